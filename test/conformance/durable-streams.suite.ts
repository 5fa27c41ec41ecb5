/** The protocol authors' own suite, against an engine in a process of its own, at the paths that the suite uses. */
import { rmSync } from "node:fs";
import { runConformanceTests } from "@durable-streams/server-conformance-tests";
import { afterAll, beforeAll } from "vitest";
import { temporaryDirectory } from "../support/engine.ts";
import { type SpawnedEngine, spawnEngine } from "../support/spawn-engine.ts";

const directory = temporaryDirectory();
const config = { baseUrl: "", subscriptions: true };
let engine: SpawnedEngine | undefined;

beforeAll(async () => {
  engine = await spawnEngine(directory);
  config.baseUrl = engine.url;
}, 60_000);

afterAll(async () => {
  await engine?.[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

runConformanceTests(config);
