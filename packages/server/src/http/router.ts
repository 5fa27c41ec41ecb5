import { MillraceError } from "@millrace/core";
import type { Exchange } from "./exchange.ts";

export type Handler = (exchange: Exchange) => Promise<void> | void;

type Route = { readonly method: string; readonly segments: readonly string[]; readonly handler: Handler };

/** Routes by method and path; `{name}` takes one segment. Looking one up compares segments, in the order they were added. */
export class Router {
  readonly #routes: Route[] = [];

  add(method: string, path: string, handler: Handler): void {
    this.#routes.push({ method, segments: path.split("/"), handler });
  }

  /** Throws `not_found` for an unknown path and `method_not_allowed` for a known one. */
  find(method: string, path: string): { handler: Handler; params: Record<string, string> } {
    const segments = path.split("/");
    const allowed = new Set<string>();
    for (const route of this.#routes) {
      const params = match(route.segments, segments);
      if (!params) continue;
      if (route.method === method) return { handler: route.handler, params };
      allowed.add(route.method);
    }
    const shown = path.slice(0, 120);
    if (allowed.size === 0)
      throw new MillraceError("not_found", `there is nothing at ${shown}; PROTOCOL.md lists the routes`);
    throw new MillraceError("method_not_allowed", `${shown} takes ${[...allowed].join(", ")}, not ${method}`);
  }
}

function match(pattern: readonly string[], segments: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined;
  const params: Record<string, string> = {};
  for (const [at, part] of pattern.entries()) {
    const segment = segments[at] ?? "";
    if (part.startsWith("{")) params[part.slice(1, -1)] = decode(segment);
    else if (part !== segment) return undefined;
  }
  return params;
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new MillraceError(
      "invalid_argument",
      `the path segment ${JSON.stringify(segment.slice(0, 80))} is not well-formed`,
    );
  }
}
