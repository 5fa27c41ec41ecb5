/** Where a source can be opened in the browser; undefined for a path on somebody's disk. */
export function sourceHref(source: string, page?: number): string | undefined {
  if (!/^https?:\/\//i.test(source)) return undefined;
  return page === undefined ? source : `${source.split("#")[0]}#page=${page}`;
}

/** A source as it fits on a line: an address without its scheme, a path as it is. */
export function sourceLabel(source: string): string {
  return source.replace(/^https?:\/\/(www\.)?/i, "").replace(/\/$/, "");
}
