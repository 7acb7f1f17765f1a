use std::collections::BTreeMap;
use std::io::Write;
use pprof::protos::Message;

#[inline(always)]
fn mix(h: u64, b: u8) -> u64 { (h ^ b as u64).wrapping_mul(0x100000001b3) }

#[inline(never)]
fn hash(word: &str) -> u64 { word.bytes().fold(0xcbf29ce484222325, mix) }

#[inline(never)]
fn count<'a>(text: &'a str, into: &mut BTreeMap<u64, Vec<&'a str>>) {
    for word in text.split(' ') { into.entry(hash(word) % 5000).or_default().push(word); }
}

#[inline(never)]
fn order(table: &mut BTreeMap<u64, Vec<&str>>) -> usize {
    table.values_mut().map(|words| { words.sort_unstable(); words.dedup(); words.len() }).sum()
}

fn main() {
    let guard = pprof::ProfilerGuardBuilder::default().frequency(250).build().unwrap();
    let text: String = (0..60_000u64).map(|i| format!("w{} ", i.wrapping_mul(2654435761) % 7919)).collect();
    let start = std::time::Instant::now();
    let mut total = 0;
    while start.elapsed().as_secs() < 2 {
        let mut table = BTreeMap::new();
        count(&text, &mut table);
        total += order(&mut table);
    }
    let profile = guard.report().build().unwrap().pprof().unwrap();
    let mut out = flate2::write::GzEncoder::new(std::fs::File::create("words-cpu.pb.gz").unwrap(), flate2::Compression::default());
    out.write_all(&profile.encode_to_vec()).unwrap();
    out.finish().unwrap();
    println!("{total}");
}
