import type { IncomingMessage } from "node:http";
import { MillraceError } from "@millrace/core";

const LOOPBACK = /^(localhost|127(?:\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i;

/**
 * Keeps other web sites out of an engine that listens on loopback: a page elsewhere may not reach it through the visitor's browser,
 * neither by its own name for 127.0.0.1 (DNS rebinding: the Host header gives it away) nor from its own origin (the Origin header does).
 */
export function checkOrigin(request: IncomingMessage): void {
  const { host = "", origin } = request.headers;
  if (!LOOPBACK.test(host))
    throw new MillraceError(
      "forbidden",
      `the engine answers on localhost, not as ${JSON.stringify(host.slice(0, 80))}`,
    );
  if (origin === undefined) return;
  if (!URL.canParse(origin) || new URL(origin).host !== host) {
    throw new MillraceError(
      "forbidden",
      `pages of ${JSON.stringify(origin.slice(0, 80))} may not use this engine; open it at http://${host}`,
    );
  }
}
