import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { MillraceError } from "@millrace/core";
import { ERROR_STATUS } from "@millrace/protocol";
import { LAST_WORDS_MS } from "../limits.ts";
import { toShownError } from "./exchange.ts";

/** Refuses on a socket that has no response to write to, with the one error body, and lets go of it whether or not the peer does. */
export function refuseSocket(socket: Socket, error: unknown, status?: number): void {
  const shown = toShownError(error);
  const http = status ?? ERROR_STATUS[shown.code].http;
  const body = JSON.stringify({ error: shown });
  const head = `HTTP/1.1 ${http} ${STATUS_CODES[http] ?? ""}\r\nconnection: close\r\ncontent-type: application/json; charset=utf-8\r\n`;
  socket.end(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  socket.destroySoon();
  setTimeout(() => socket.destroy(), LAST_WORDS_MS).unref();
}

/** What Node says of a request head that it cannot read, and the status RFC 9110 and RFC 6585 have for it. */
export function headRefusal({ code }: NodeJS.ErrnoException): { error: MillraceError; status: number } {
  if (code === "HPE_HEADER_OVERFLOW")
    return {
      status: 431,
      error: new MillraceError("too_large", "the request head is larger than 16 KB; send fewer headers"),
    };
  if (code === "ERR_HTTP_REQUEST_TIMEOUT")
    return { status: 408, error: new MillraceError("timeout", "the request did not arrive in time; send it again") };
  return { status: 400, error: new MillraceError("invalid_argument", "the request is not well-formed HTTP") };
}
