/** The edge files: the only ones that may touch the world. Held by architecture.test.ts. */
export const edges: readonly string[] = []
