/** The real command in a process of its own, on temporary directories that are gone when they are disposed. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));

/** What every colour begins with. */
export const ESCAPE = "\u001b[";

export type CommandOptions = {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Options of Node before the script. */
  readonly execArguments?: readonly string[];
};

export type Finished = { readonly code: number | null; readonly out: string; readonly err: string };

export class RunningCommand {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  out = "";
  err = "";
  readonly #changed: (() => void)[] = [];
  #isOver = false;

  constructor(args: readonly string[], { cwd, env = {}, input, execArguments = [] }: CommandOptions) {
    const clean = Object.entries(process.env).filter(
      ([name]) => !/^(MILLRACE_|NO_COLOR|FORCE_COLOR|NODE_TEST)/.test(name),
    );
    this.child = spawn(process.execPath, ["--conditions=source", ...execArguments, MAIN, ...args], {
      cwd,
      env: { ...Object.fromEntries(clean), ...env },
    });
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => this.#add("out", text));
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => this.#add("err", text));
    this.child.stdin?.on("error", () => {});
    if (input !== undefined) this.child.stdin?.write(input);
    this.child.stdin?.end();
    this.finished = once(this.child, "close").then(([code]) => {
      this.#isOver = true;
      this.#tell();
      return { code: code as number | null, out: this.out, err: this.err };
    });
  }

  /** The match of the pattern in what was printed so far; waits for it, and throws when the command ends without it. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.out) ?? pattern.exec(this.err);
      if (match) return match;
      if (this.#isOver) throw new Error(`ended without ${pattern}:\n${this.out}\n${this.err}`);
      await new Promise<void>((resolve) => this.#changed.push(resolve));
    }
  }

  interrupt(signal: NodeJS.Signals = "SIGINT"): void {
    this.child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOver) this.child.kill("SIGKILL");
    await this.finished;
  }

  #add(channel: "out" | "err", text: string): void {
    this[channel] += text;
    this.#tell();
  }

  #tell(): void {
    for (const resolve of this.#changed.splice(0)) resolve();
  }
}

export async function runCommand(args: readonly string[], options: CommandOptions): Promise<Finished> {
  return new RunningCommand(args, options).finished;
}

export type Served = { readonly url: string; readonly command: RunningCommand } & AsyncDisposable;

/** `millrace serve` on a free port, its data in `cwd`. */
export async function serve(cwd: string, args: readonly string[] = []): Promise<Served> {
  const command = new RunningCommand(["serve", "--port", "0", "--json", ...args], { cwd });
  const [line] = await command.printed(/^\{.*"event":"serving".*\}$/m);
  const { url } = JSON.parse(line) as { url: string };
  return { url, command, [Symbol.asyncDispose]: () => command[Symbol.asyncDispose]() };
}

export type Folder = { readonly path: string } & Disposable;

/** A folder with these files. */
export function folder(files: Readonly<Record<string, string | Uint8Array>> = {}): Folder {
  const path = mkdtempSync(join(tmpdir(), "millrace-cli-"));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export const BREAD = `<!doctype html><html><head><title>Kitchen</title></head><body><nav><a href="/">Home</a></nav><main><h1>Baking bread</h1>
<p>Knead the dough for ten minutes, let it rise in a warm place until it has doubled, then bake it in a hot oven.</p></main></body></html>`;
export const STREAMS = `# Streams

## Back pressure

When a reader is slower than its writer, the stream pauses the writer until the buffer has drained.
The error ERR_STREAM_DESTROYED is raised when something is written after the end.
`;
export const MUSEUM = "The museum opens at nine in the morning and closes at six in the evening, except on Mondays.\n";
export const PNG = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13]);

/** Three documents and one file that is refused. */
export const DOCS = {
  "docs/guide/streams.md": STREAMS,
  "docs/bread.html": BREAD,
  "docs/museum.txt": MUSEUM,
  "docs/logo.png": PNG,
};
