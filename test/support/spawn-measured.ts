import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("./measured-engine.ts", import.meta.url));
const FLAGS = ["--expose-gc", "--conditions=source", "--disable-warning=ExperimentalWarning"];

export type Held = { readonly heldBytes: number; readonly rssBytes: number };

/** An engine in a process of its own whose memory can be asked for. Disposing it ends it as `kill -9` does and removes its data. */
export type MeasuredEngine = {
  readonly url: string;
  /** What it holds now, its garbage collected. */
  held(): Promise<Held>;
} & AsyncDisposable;

export async function spawnMeasured(directory: string): Promise<MeasuredEngine> {
  const child = spawn(process.execPath, [...FLAGS, program, directory], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => String((await lines.next()).value);
  const url = await next();
  return {
    url,
    async held() {
      child.stdin.write("\n");
      return JSON.parse(await next()) as Held;
    },
    async [Symbol.asyncDispose]() {
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
