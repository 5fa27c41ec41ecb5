/** WebSocket frames as bytes (RFC 6455, section 5.2), well-formed or not. */
import { createHash, randomBytes } from "node:crypto";
import { openTap, type SocketTap } from "./socket-tap.ts";

export type RawFrame = {
  readonly isFinal: boolean;
  /** The three reserved bits, 0 to 7. */
  readonly reserved: number;
  readonly opcode: number;
  readonly isMasked: boolean;
  /** How the length is written: as short as it can be, in 16 or 64 bits, or as this many whatever follows. */
  readonly length: "shortest" | "16" | "64" | number;
  readonly payload: Buffer;
};

const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

export const TEXT = 1;
export const CLOSE = 8;

/** A client's frame as it should be. */
export function textMessage(text: string): Buffer {
  const payload = Buffer.from(text);
  return encodeFrame({ isFinal: true, reserved: 0, opcode: TEXT, isMasked: true, length: "shortest", payload });
}

export function encodeFrame({ isFinal, reserved, opcode, isMasked, length, payload }: RawFrame): Buffer {
  const first = (isFinal ? 0x80 : 0) | (reserved << 4) | opcode;
  const masked = isMasked ? 0x80 : 0;
  const said = typeof length === "number" ? length : payload.length;
  const form = typeof length === "number" || length === "shortest" ? shortest(said) : length;
  const head = Buffer.alloc(form === "64" ? 10 : form === "16" ? 4 : 2);
  head[0] = first;
  head[1] = masked | (form === "64" ? 127 : form === "16" ? 126 : said);
  if (form === "16") head.writeUInt16BE(said & 0xffff, 2);
  else if (form === "64") head.writeBigUInt64BE(BigInt(said), 2);
  return Buffer.concat(
    isMasked ? [head, MASK, payload.map((byte, at) => byte ^ (MASK[at % 4] ?? 0))] : [head, payload],
  );
}

function shortest(length: number): "7" | "16" | "64" {
  return length < 126 ? "7" : length < 65_536 ? "16" : "64";
}

export type ServerFrame = { readonly opcode: number; readonly payload: Buffer };

/** What a server has sent, as far as it is whole; throws at what a server must not send. */
export function readServerFrames(bytes: Buffer): ServerFrame[] {
  const frames: ServerFrame[] = [];
  for (let at = 0; at + 2 <= bytes.length; ) {
    const first = bytes[at] ?? 0;
    const short = bytes[at + 1] ?? 0;
    if ((first & 0x70) !== 0 || short >= 128) throw new Error(`a server's frame begins with ${first}, ${short}`);
    const headBytes = short === 127 ? 10 : short === 126 ? 4 : 2;
    if (at + headBytes > bytes.length) break;
    const length =
      short === 127 ? Number(bytes.readBigUInt64BE(at + 2)) : short === 126 ? bytes.readUInt16BE(at + 2) : short;
    if (at + headBytes + length > bytes.length) break;
    frames.push({ opcode: first & 15, payload: bytes.subarray(at + headBytes, at + headBytes + length) });
    at += headBytes + length;
  }
  return frames;
}

export type RawSocket = {
  readonly tap: SocketTap;
  /** What the server has sent so far. */
  frames(): ServerFrame[];
  /** Its JSON messages so far. */
  messages(): (Record<string, unknown> | unknown[])[];
} & AsyncDisposable;

/** A bare socket on which the WebSocket handshake is done. */
export async function openRawSocket(url: string, path = "/v1/ws"): Promise<RawSocket> {
  const key = randomBytes(16).toString("base64");
  const upgrade = `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n`;
  const tap = await openTap(url, `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${upgrade}\r\n`);
  const answer = await tap.bytes((all) => all.includes("\r\n\r\n"));
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  if (!answer.includes(accept)) throw new Error(`no handshake: ${answer}`);
  const headBytes = answer.indexOf("\r\n\r\n") + 4;
  const frames = () => readServerFrames(tap.all().subarray(headBytes));
  const messages = () =>
    frames()
      .filter(({ opcode }) => opcode === TEXT)
      .map(({ payload }) => JSON.parse(payload.toString()) as Record<string, unknown> | unknown[]);
  return { tap, frames, messages, [Symbol.asyncDispose]: () => tap[Symbol.asyncDispose]() };
}
