/** Types of `run.mjs` for those that start a server as it does. */
export const NODE_FLAGS: readonly string[]
export const NODE_ENVIRONMENT: Readonly<Record<string, string>>
export function run(args: readonly string[], options?: object): Promise<number>
