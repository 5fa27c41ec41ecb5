import { type Clock, MillraceError } from "@millrace/core";
import { URL_CHARS_MAX } from "../limits.ts";
import type { Sent } from "./transport.ts";

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** What a redirect or an error page says in passing; reading more costs more than a new connection. */
const DRAINED_BYTES_MAX = 16_384;
const DRAIN_MS = 100;

export function headerOf({ headers }: Pick<Sent, "headers">, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}

/** Whether a shared cache may not keep the answer (RFC 9111, 3 and 4.1). `private="a-field"` is about a header field only. */
export function forbidsStoring(sent: Pick<Sent, "headers">): boolean {
  const directives = (headerOf(sent, "cache-control") ?? "")
    .replace(/"[^"]*"/g, '""')
    .toLowerCase()
    .split(",");
  const isClosed = directives.some((directive) => /^(?:no-store|private)$/.test(directive.trim()));
  return isClosed || (headerOf(sent, "vary") ?? "").split(",").some((name) => name.trim() === "*");
}

/** The address a redirect leads to; undefined when the answer is none. */
export function redirectOf(sent: Sent, url: URL): URL | undefined {
  const location = headerOf(sent, "location");
  if (!REDIRECTS.has(sent.status) || location === undefined) return undefined;
  const next = parseUrl(location, url);
  // What a site puts there is not sent on: it could name the user of another.
  next.username = "";
  next.password = "";
  return next;
}

/** `text` as an address; `invalid_argument` when it is none. */
export function parseUrl(text: string, base?: URL): URL {
  const url = text.length <= URL_CHARS_MAX ? URL.parse(text, base?.href) : null;
  if (!url)
    throw new MillraceError(
      "invalid_argument",
      `${text.slice(0, 200)} is not an address of up to ${URL_CHARS_MAX} characters; write it as https://host/path`,
    );
  return url;
}

/**
 * Lets go of a body that is not wanted. A short one is read to its end first, so that the connection can be used again: by the very next
 * hop, which is why this waits for it.
 */
export async function discard({ body, ...sent }: Sent, clock: Clock): Promise<void> {
  body.on("error", () => {});
  if (Number(headerOf(sent, "content-length")) > DRAINED_BYTES_MAX) {
    body.destroy();
    return;
  }
  const cancel = clock.after(DRAIN_MS, () => body.destroy());
  await new Promise<void>((resolve) => {
    let bytes = 0;
    body.once("close", resolve).on("data", (chunk: Uint8Array) => {
      bytes += chunk.byteLength;
      if (bytes > DRAINED_BYTES_MAX) body.destroy();
    });
  });
  cancel();
  // undici frees a connection one turn of the event loop after its answer has ended.
  await new Promise<void>((resolve) => setImmediate(resolve));
}
