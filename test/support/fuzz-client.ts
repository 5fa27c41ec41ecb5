import { once } from "node:events";
import { connect } from "node:net";
import { ERROR_STATUS } from "@millrace/protocol";
import { LIMIT_MS } from "./until.ts";

/** How an exchange over a bare socket ended. */
export type Outcome =
  /** The peer closed without an answer, or in the middle of one. */
  | { readonly kind: "closed"; readonly text: string }
  /** A whole answer, or the beginning of one that goes on. */
  | { readonly kind: "answered"; readonly status: number; readonly headers: Headers; readonly body: string }
  /** Nothing came in time. */
  | { readonly kind: "silent"; readonly text: string };

/**
 * Sends the bytes and reads one answer. A request that is not whole is ended by closing our half, so that the engine knows that nothing will
 * follow. The socket is gone when this returns.
 */
export async function sendRaw(url: string, bytes: Buffer, isWhole: boolean): Promise<Outcome> {
  const socket = connect({ port: Number(new URL(url).port), host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => {});
  const closed = once(socket, "close");
  const isHead = bytes.subarray(0, 5).toString() === "HEAD ";
  let text = "";
  const outcome = await new Promise<Outcome>((resolve) => {
    const late = setTimeout(() => resolve({ kind: "silent", text }), LIMIT_MS);
    const settle = (found: Outcome) => {
      clearTimeout(late);
      resolve(found);
    };
    socket.on("data", (part) => {
      text += part.toString("latin1");
      const answer = readAnswer(text, isHead);
      if (answer) settle(answer);
    });
    socket.on("end", () => settle(readAnswer(text, true) ?? { kind: "closed", text }));
    socket.on("close", () => settle(readAnswer(text, true) ?? { kind: "closed", text }));
    if (isWhole) socket.write(bytes);
    else socket.end(bytes);
  });
  socket.destroy();
  await closed;
  return outcome;
}

/** The answer, once its end is there; of one without an end (events, an export) its head is enough. */
function readAnswer(text: string, isEnd = false): Outcome | undefined {
  const at = text.indexOf("\r\n\r\n");
  if (at < 0) return undefined;
  const [line = "", ...fields] = text.slice(0, at).split("\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(line)?.[1]);
  const body = text.slice(at + 4);
  // An interim answer; the one that counts follows.
  if (status >= 100 && status < 200) return readAnswer(body, isEnd);
  const headers = new Headers(fields.map((field) => field.split(/: ?(.*)/s).slice(0, 2) as [string, string]));
  const answered = { kind: "answered", status, headers, body } as const;
  if (isEnd) return answered;
  const length = headers.get("content-length");
  if (status === 204 || (length === null && !headers.has("transfer-encoding"))) return answered;
  if (headers.get("transfer-encoding") === "chunked") return body.endsWith("0\r\n\r\n") ? answered : undefined;
  return body.length >= Number(length) ? answered : undefined;
}

/** What is wrong with a code and its status as PROTOCOL.md lists them; undefined when nothing is. */
export function faultOfError(error: { code?: unknown } | undefined, status?: number): string | undefined {
  const code = error?.code;
  if (typeof code !== "string" || !Object.hasOwn(ERROR_STATUS, code))
    return `the code ${String(code)} is not documented`;
  if (code === "internal") return "internal: a defect";
  const row = ERROR_STATUS[code as keyof typeof ERROR_STATUS];
  if (status === undefined || status === row.http) return undefined;
  // A head that cannot be read has no route: its status is HTTP's own (PROTOCOL.md, Errors).
  return (status === 431 && code === "too_large") || (status === 408 && code === "timeout")
    ? undefined
    : `${status} is not the status of ${code}`;
}
