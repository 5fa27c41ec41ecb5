/** Where the page is, kept in the address after `#` so that a reload, a bookmark and the back button all work. */

export const VIEWS = ["overview", "ask", "extract", "jobs", "streams", "spaces"] as const;
export type ViewName = (typeof VIEWS)[number];
export type Route = {
  readonly view: ViewName;
  /** One job, stream or space; undefined for the list. */
  readonly id: string | undefined;
  readonly params: Readonly<Record<string, string>>;
};

/** Reads `#/jobs/01k…?tab=frames`; anything else is the overview. */
export function parseRoute(hash: string): Route {
  const [path = "", search = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const [name = "", ...rest] = path.split("/");
  const view = VIEWS.find((known) => known === name) ?? "overview";
  const id = rest.length === 0 || rest[0] === "" ? undefined : decode(rest.join("/"));
  return { view, id, params: Object.fromEntries(new URLSearchParams(search)) };
}

export function formatRoute({ view, id, params = {} }: Partial<Route> & Pick<Route, "view">): string {
  const set = Object.entries(params).filter(([, value]) => value !== "");
  const search = set.length === 0 ? "" : `?${new URLSearchParams(set)}`;
  return `#/${view}${id === undefined ? "" : `/${encodeURIComponent(id)}`}${search}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
