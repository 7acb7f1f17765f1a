/** Writes the pages under `docs/` that are made from code: `node tools/docs.ts`. A test holds them to it. */
import { writeFileSync } from 'node:fs'
import { flagsMarkdown } from '../cmd/decima/flag-text.ts'

writeFileSync(new URL('../docs/flags.md', import.meta.url), flagsMarkdown())
