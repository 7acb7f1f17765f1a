/** What is wrong with a file, all of it: collected while reading, thrown at the end. */
import { ConfigError } from '../base/errors.ts'

export interface Place {
  readonly line: number
  readonly column: number
}

/** One error or more of one file. Its message has a line for each, in the order of the file. */
export class ConfigErrors extends ConfigError {
  readonly errors: readonly ConfigError[]

  constructor(file: string, problems: readonly { place: Place; message: string }[]) {
    const first = problems[0]!
    super({ file, ...first.place }, first.message)
    this.name = 'ConfigErrors'
    this.errors = problems.map(p => new ConfigError({ file, ...p.place }, p.message))
    this.message = this.errors.map(e => e.message).join('\n')
  }
}

export class Problems {
  readonly file: string
  readonly #errors: { place: Place; message: string }[] = []
  readonly #warnings: { place: Place; message: string }[] = []

  constructor(file: string) {
    this.file = file
  }

  error(place: Place, message: string): void {
    add(this.#errors, place, message)
  }

  warn(place: Place, message: string): void {
    add(this.#warnings, place, message)
  }

  throwIfAny(): void {
    if (this.#errors.length > 0) throw new ConfigErrors(this.file, inOrder(this.#errors))
  }

  /** `file:line:column: message`, in the order of the file. */
  warnings(): string[] {
    return inOrder(this.#warnings).map(({ place, message }) => `${this.file}:${place.line}:${place.column}: ${message}`)
  }
}

type Problem = { readonly place: Place; readonly message: string }

/** What stands in an anchor is read once for each alias, but said once. */
function add(list: Problem[], place: Place, message: string): void {
  const known = list.some(p => p.message === message && p.place.line === place.line && p.place.column === place.column)
  if (!known) list.push({ place, message })
}

function inOrder(list: readonly Problem[]): Problem[] {
  return list.toSorted((a, b) => a.place.line - b.place.line || a.place.column - b.place.column)
}
