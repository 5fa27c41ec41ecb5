/** The client's side of RFC 6455 as bytes: the request to upgrade, masked frames out, a walk over frames in. */
import { MillraceError } from "@millrace/core";
import type { Walk } from "./carry.ts";

const CONTINUATION = 0;
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;
/** A mask of zeros is as valid as another and leaves the bytes as they are (section 5.3 asks for randomness against proxies; here is none). */
const MASK_BYTES = 4;

export function upgradeRequest(host: string, path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${Buffer.alloc(16, 7).toString("base64")}\r\nSec-WebSocket-Version: 13\r\n\r\n`;
}

export function textFrame(text: string): Buffer {
  return frame(TEXT, Buffer.from(text));
}

export function pongFrame(payload: Buffer): Buffer {
  return frame(PONG, payload);
}

function frame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const extra = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const bytes = Buffer.alloc(2 + extra + MASK_BYTES + length);
  bytes[0] = 0x80 | opcode;
  bytes[1] = 0x80 | (extra === 0 ? length : extra === 2 ? 126 : 127);
  if (extra === 2) bytes.writeUInt16BE(length, 2);
  if (extra === 8) bytes.writeBigUInt64BE(BigInt(length), 2);
  payload.copy(bytes, 2 + extra + MASK_BYTES);
  return bytes;
}

export type WebSocketEvents = {
  /** A whole text or binary message: `bytes` from `start` to `end`, valid during the call only. */
  message(bytes: Buffer, start: number, end: number): void;
  ping(payload: Buffer): void;
  closed(code: number, reason: string): void;
};

/** Walks over the frames a server sends (not masked, not fragmented; a fragment is refused: no server here sends one). */
export function webSocketWalk(events: WebSocketEvents): Walk {
  return (bytes, start, end) => {
    let at = start;
    while (end - at >= 2) {
      const short = (bytes[at + 1] ?? 0) & 0x7f;
      const head = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (end - at < head) break;
      const length =
        short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
      const from = at + head;
      if (from + length > end) break;
      dispatch(events, bytes, [at, from, from + length]);
      at = from + length;
    }
    return at;
  };
}

function dispatch(events: WebSocketEvents, bytes: Buffer, [at, start, end]: readonly [number, number, number]): void {
  const first = bytes[at] ?? 0;
  const opcode = first & 0x0f;
  if ((first & 0x80) === 0 || opcode === CONTINUATION) {
    throw new MillraceError(
      "unsupported_type",
      "the server sent a message in fragments, which the generator does not read",
    );
  }
  if (opcode === TEXT || opcode === BINARY) events.message(bytes, start, end);
  else if (opcode === PING) events.ping(Buffer.from(bytes.subarray(start, end)));
  else if (opcode === CLOSE) {
    const code = end - start >= 2 ? bytes.readUInt16BE(start) : 1005;
    events.closed(code, bytes.toString("utf8", Math.min(start + 2, end), end));
  }
}
