import { rmSync } from "node:fs";
import type { Mode } from "@millrace/stream";
import { type CuttingProxy, startProxy } from "./cutting-proxy.ts";
import { temporaryDirectory } from "./engine.ts";
import { type SpawnedEngine, spawnEngine } from "./spawn-engine.ts";

/** An engine in a process of its own behind an address that stays: it can be killed and started again over its data. */
export type RestartingEngine = {
  readonly url: string;
  readonly proxy: CuttingProxy;
  /** Ends it as `kill -9` does and starts it again. */
  restart(mode?: Mode): Promise<void>;
} & AsyncDisposable;

export async function startRestarting(): Promise<RestartingEngine> {
  const directory = temporaryDirectory();
  let engine: SpawnedEngine = await spawnEngine(directory);
  const proxy = await startProxy(engine.url);
  return {
    url: proxy.url,
    proxy,
    async restart(mode) {
      proxy.aim(undefined);
      await engine.kill();
      engine = await spawnEngine(directory, mode);
      proxy.aim(engine.url);
    },
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await engine.kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
