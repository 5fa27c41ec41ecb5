/** Readers made of bare sockets, which come back from their last frame as soon as their connection is gone: thousands of times a minute. */
import { connect, type Socket } from "node:net";

/** A frame as every wire form gives it. */
export type RawFrame = { readonly seq: number; readonly data: unknown };
type OnFrame = (frame: RawFrame) => void;

export type RawReaderOptions = {
  /** Of the engine, or of what stands before it. */
  readonly url: string;
  readonly stream: string;
  readonly onFrame: OnFrame;
  /** Anything but frames and what comes with them: a gap, a refusal. */
  readonly onOdd: (what: string) => void;
};

export type RawReader = { readonly connections: number } & Disposable;

/** Opens a connection again and again until it is disposed. `converse` is given each one and reads from it. */
function reconnecting(url: string, converse: (socket: Socket) => (bytes: Buffer) => void): RawReader {
  let connections = 0;
  let isOver = false;
  let current: Socket | undefined;
  const open = () => {
    if (isOver) return;
    connections++;
    const socket = connect({ port: Number(new URL(url).port), host: "127.0.0.1", noDelay: true });
    current = socket;
    const read = converse(socket);
    socket.on("data", (bytes) => read(bytes as Buffer));
    socket.on("error", () => {});
    socket.on("close", open);
  };
  open();
  return {
    get connections() {
      return connections;
    },
    [Symbol.dispose]() {
      isOver = true;
      current?.destroy();
    },
  };
}

/** Bytes kept until they make a whole. */
class Inbox {
  #bytes: Buffer = Buffer.alloc(0);

  add(bytes: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]);
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  /** The bytes up to `end`, which is behind the bytes to skip. */
  take(length: number, skip = 0): Buffer {
    const taken = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length + skip);
    return taken;
  }

  /** What comes before the next `mark`, without it; undefined while it has not come. */
  before(mark: string): string | undefined {
    const at = this.#bytes.indexOf(mark);
    return at < 0 ? undefined : String(this.take(at, mark.length));
  }
}

/** Follows by server-sent events; comes back with the id of the last event it had whole. */
export function openSseReader({ url, stream, onFrame, onOdd }: RawReaderOptions): RawReader {
  let lastId: string | undefined;
  const readEvent = (block: string) => {
    const fields = new Map(
      block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]),
    );
    if (fields.get("event") === "frame") {
      onFrame(JSON.parse(fields.get("data") ?? "") as RawFrame);
      lastId = fields.get("id");
    } else if (!block.startsWith(":")) onOdd(block);
  };
  return reconnecting(url, (socket) => {
    const inbox = new Inbox();
    let hasHead = false;
    const resume = lastId === undefined ? "" : `Last-Event-ID: ${lastId}\r\n`;
    socket.write(`GET /v1/streams/${stream}/sse HTTP/1.1\r\nHost: localhost\r\n${resume}\r\n`);
    return (bytes) => {
      inbox.add(bytes);
      if (!hasHead) {
        const head = inbox.before("\r\n\r\n");
        if (head === undefined) return;
        hasHead = true;
        if (!head.startsWith("HTTP/1.1 200")) onOdd(head);
      }
      for (let block = inbox.before("\n\n"); block !== undefined; block = inbox.before("\n\n")) readEvent(block);
    };
  });
}

export type WsForm = { readonly format: "frames" | "compact"; readonly window?: number };

/** Follows over the engine's own WebSocket protocol, in either form, with or without a window. */
export function openWsReader({ url, stream, onFrame, onOdd }: RawReaderOptions, { format, window }: WsForm): RawReader {
  let cursor: string | undefined;
  let epoch = "";
  const take = (frame: RawFrame) => {
    onFrame(frame);
    cursor = `${epoch}:${frame.seq}`;
  };
  const readMessage = (socket: Socket, text: string) => {
    const message = JSON.parse(text) as { op: string; epoch: string; frames: RawFrame[] } | [number, ...unknown[][]];
    if (Array.isArray(message)) {
      for (const [seq, , , , data] of message.slice(1) as unknown[][]) take({ seq: seq as number, data });
    } else if (message.op === "frames") for (const frame of message.frames) take(frame);
    else if (message.op === "subscribed") epoch = message.epoch;
    else if (message.op !== "ping") onOdd(text);
    const seq = Number(cursor?.split(":")[1]);
    if (window !== undefined && cursor !== undefined) socket.write(maskedText({ op: "ack", sub: 1, seq }));
  };
  return reconnecting(url, (socket) => {
    const inbox = new Inbox();
    let hasHead = false;
    socket.write(
      "GET /v1/ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    );
    return (bytes) => {
      inbox.add(bytes);
      if (!hasHead) {
        const head = inbox.before("\r\n\r\n");
        if (head === undefined) return;
        hasHead = true;
        if (!head.startsWith("HTTP/1.1 101")) onOdd(head);
        socket.write(maskedText({ op: "subscribe", sub: 1, stream, after: cursor, format, window }));
      }
      for (let text = takeText(inbox); text !== undefined; text = takeText(inbox)) readMessage(socket, text);
    };
  });
}

/** A client's text frame (RFC 6455, section 5.2), its mask all zero. */
export function maskedText(message: object): Buffer {
  const payload = Buffer.from(JSON.stringify(message));
  const head = payload.length < 126 ? Buffer.alloc(6) : Buffer.alloc(8);
  head[0] = 0x81;
  head[1] = 0x80 | (payload.length < 126 ? payload.length : 126);
  if (payload.length >= 126) head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, payload]);
}

/** The next whole text frame of a server. */
function takeText(inbox: Inbox): string | undefined {
  const { bytes } = inbox;
  const short = (bytes[1] ?? 0) & 0x7f;
  const headBytes = short === 127 ? 10 : short === 126 ? 4 : 2;
  if (bytes.length < headBytes) return undefined;
  const length = short === 127 ? Number(bytes.readBigUInt64BE(2)) : short === 126 ? bytes.readUInt16BE(2) : short;
  if (bytes.length < headBytes + length) return undefined;
  return String(inbox.take(headBytes + length).subarray(headBytes));
}
