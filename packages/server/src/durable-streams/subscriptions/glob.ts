/**
 * Whether a stream's path matches a pattern: `*` is one segment, `**` any number of them, none included, and everything else itself. `%2A`
 * is a literal asterisk. Costs pattern × path segments: the set of reachable places moves along the path.
 */
export function matchesGlob(pattern: string, path: string): boolean {
  const parts = segmentsOf(pattern);
  let places = reach(parts, new Set([0]));
  for (const segment of segmentsOf(path)) {
    const next = new Set<number>();
    for (const at of places) {
      const part = parts[at];
      if (part === "**") next.add(at);
      else if (part === "*" || (part !== undefined && part.replaceAll(/%2a/gi, "*") === segment)) next.add(at + 1);
    }
    places = reach(parts, next);
  }
  return places.has(parts.length);
}

/** How many segments a pattern or path has. */
export function segmentsOf(path: string): string[] {
  return path.split("/").filter((segment) => segment !== "");
}

/** `**` may stand for nothing: where it is, what follows it is reached as well. */
function reach(parts: readonly string[], places: Set<number>): Set<number> {
  for (const at of places) if (parts[at] === "**") places.add(at + 1);
  return places;
}
