/** What a command writes to: results on stdout, everything said about them on stderr, and colours only where they are seen. */
import { styleText } from "node:util";

export type Style = Parameters<typeof styleText>[0];
export type Channel = "out" | "err";

type Sink = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
export type TerminalStreams = { readonly stdout: Sink; readonly stderr: Sink };

export type Terminal = {
  /** One line on stdout. */
  out(line?: string): void;
  /** One line on stderr. */
  err(line?: string): void;
  /** One JSON document on stdout. */
  json(value: unknown): void;
  /** Bytes on stdout as they are; settles when there is room for more. */
  write(bytes: Uint8Array): Promise<void>;
  /** `text` coloured for stdout; plain when that is no terminal or NO_COLOR is set. */
  style(style: Style, text: string): string;
  /** The same for stderr. */
  styleErr(style: Style, text: string): string;
  /** Columns of stdout, at least 40. */
  readonly columns: number;
  /** Whether a bar can be drawn on stderr. */
  readonly isInteractive: boolean;
  /** Draws over the line before on stderr; an empty text clears it. */
  redraw(text: string): void;
};

const COLUMNS_DEFAULT = 80;
const COLUMNS_MIN = 40;

export function createTerminal({ stdout, stderr }: TerminalStreams): Terminal {
  const styleFor = (stream: Sink) => (style: Style, text: string) =>
    styleText(style, text, { stream: stream as NodeJS.WriteStream, validateStream: true });
  let drawn = false;
  const clear = () => {
    if (drawn) stderr.write("\r\x1b[2K");
    drawn = false;
  };
  const write = (stream: Sink, text: string) => {
    clear();
    stream.write(text);
  };
  return {
    out: (line = "") => write(stdout, `${line}\n`),
    err: (line = "") => write(stderr, `${line}\n`),
    json: (value) => write(stdout, `${JSON.stringify(value)}\n`),
    write: (bytes) =>
      new Promise((resolve, reject) => stdout.write(bytes, (error) => (error ? reject(error) : resolve()))),
    style: styleFor(stdout),
    styleErr: styleFor(stderr),
    get columns() {
      return Math.max(COLUMNS_MIN, stdout.columns ?? stderr.columns ?? COLUMNS_DEFAULT);
    },
    get isInteractive() {
      return stderr.isTTY === true && process.env.TERM !== "dumb";
    },
    redraw(text) {
      if (text === "") return clear();
      // One write, so that the line does not flicker.
      stderr.write(`${drawn ? "\r\x1b[2K" : ""}${text}`);
      drawn = true;
    },
  };
}
