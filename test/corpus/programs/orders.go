package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	_ "net/http/pprof"
	"os"
	"runtime"
	"runtime/pprof"
	"sort"
	"sync"
)

// order is what the workload passes around.
type order struct {
	ID    int            `json:"id"`
	Items map[string]int `json:"items"`
}

var (
	ledger sync.Mutex
	kept   [][]byte
)

func makeOrder(i int) order {
	items := map[string]int{}
	for k := 0; k < 20; k++ {
		items[fmt.Sprintf("item-%d-%d", i%7, k)] = k
	}
	return order{i, items}
}

func encode(o order) []byte {
	text, _ := json.Marshal(o)
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(text)
	w.Close()
	return out.Bytes()
}

func digest(b []byte) [32]byte {
	sum := sha256.Sum256(b)
	for i := 0; i < 50; i++ {
		sum = sha256.Sum256(sum[:])
	}
	return sum
}

func book(b []byte) {
	ledger.Lock()
	defer ledger.Unlock()
	kept = append(kept, b)
	sort.Slice(kept, func(i, j int) bool { return bytes.Compare(kept[i], kept[j]) < 0 })
	if len(kept) > 500 {
		kept = kept[:100]
	}
}

func work(name string, seed int) {
	labels := pprof.Labels("worker", name, "endpoint", fmt.Sprintf("/orders/%d", seed%3))
	for i := seed; ; i++ {
		pprof.Do(context.Background(), labels, func(context.Context) {
			b := encode(makeOrder(i))
			digest(b)
			book(b)
		})
	}
}

func main() {
	runtime.SetBlockProfileRate(1000)
	runtime.SetMutexProfileFraction(1)
	for i := 0; i < 3; i++ {
		go work(fmt.Sprintf("w%d", i), i*1000)
	}
	fmt.Fprintln(os.Stderr, http.ListenAndServe("127.0.0.1:19392", nil))
}
