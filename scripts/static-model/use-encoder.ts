/** Universal Sentence Encoder lite, run with TensorFlow.js on its WASM backend, which is installed in the cache for this only. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { filesOf } from "./fetch-packages.ts";

const RUNTIME_VERSION = "4.22.0";
const RUNTIME = ["tfjs-core", "tfjs-converter", "tfjs-backend-wasm", "tfjs-backend-cpu"];
export const USE_DIMS = 512;
const BATCH = 256;
/** The first pieces of the vocabulary are control marks. */
const FIRST_PIECE = 6;
const PIECE_CHARS_MAX = 20;
const UNKNOWN_SCORE = -20;

type Tensor = { data(): Promise<Float32Array>; dispose(): void };
type Core = {
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  tensor1d(values: number[], type: string): Tensor;
  tensor2d(values: number[][], shape: [number, number], type: string): Tensor;
};
type Model = { executeAsync(inputs: Record<string, Tensor>): Promise<Tensor> };
type Converter = { loadGraphModel(handler: { load(): Promise<unknown> }): Promise<Model> };
type WasmBackend = { setWasmPaths(path: string): void; setThreadsCount(count: number): void };
type Piece = { readonly id: number; readonly score: number };

/** Vectors of `texts`, texts.length × 512, unit length, from the package's archive. One thread, so that sums have one order. */
export async function encodeWithUse(archive: Buffer, texts: readonly string[], cache: string): Promise<Float32Array> {
  const files = new Map([...filesOf(archive)].map(({ path, bytes }) => [path, bytes]));
  const { core, model } = await load(files, cache);
  const listed = JSON.parse(String(files.get("dist/vocab.json"))) as [string, number][];
  const pieces = new Map(listed.map(([piece, score], id) => [piece, { id, score }]));
  const vectors = new Float32Array(texts.length * USE_DIMS);
  for (let at = 0; at < texts.length; at += BATCH) {
    const encoded = texts.slice(at, at + BATCH).map((text) => encode(text, pieces));
    const positions = encoded.flatMap((ids, row) => ids.map((_, column) => [row, column]));
    const indices = core.tensor2d(positions, [positions.length, 2], "int32");
    const values = core.tensor1d(encoded.flat(), "int32");
    const output = await model.executeAsync({ indices, values });
    vectors.set(await output.data(), at * USE_DIMS);
    for (const tensor of [indices, values, output]) tensor.dispose();
  }
  return vectors;
}

async function load(files: ReadonlyMap<string, Buffer>, cache: string): Promise<{ core: Core; model: Model }> {
  const home = join(cache, "tfjs");
  if (!existsSync(join(home, "node_modules/@tensorflow/tfjs-backend-wasm"))) {
    await mkdir(home, { recursive: true });
    const packages = RUNTIME.map((name) => `@tensorflow/${name}@${RUNTIME_VERSION}`);
    await promisify(execFile)("npm", ["install", "--silent", "--no-save", "--prefix", home, ...packages]);
  }
  const require = createRequire(pathToFileURL(join(home, "index.js")));
  const core = require("@tensorflow/tfjs-core") as Core;
  const converter = require("@tensorflow/tfjs-converter") as Converter;
  require("@tensorflow/tfjs-backend-cpu");
  const wasm = require("@tensorflow/tfjs-backend-wasm") as WasmBackend;
  wasm.setWasmPaths(`${join(home, "node_modules/@tensorflow/tfjs-backend-wasm/dist")}/`);
  wasm.setThreadsCount(1);
  await core.setBackend("wasm");
  await core.ready();
  const graph = JSON.parse(String(files.get("dist/model.json"))) as {
    modelTopology: unknown;
    weightsManifest: { paths: string[]; weights: unknown[] }[];
  };
  const [group] = graph.weightsManifest;
  if (group === undefined) throw new Error("the encoder's model.json lists no weights");
  const data = Buffer.concat(group.paths.map((path) => files.get(`dist/${path}`) as Buffer));
  const weightData = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
  const parts = { modelTopology: graph.modelTopology, weightSpecs: group.weights, weightData };
  return { core, model: await converter.loadGraphModel({ load: async () => parts }) };
}

/** The likeliest cut of `text` into vocabulary pieces (Viterbi over the unigram scores, as SentencePiece does). */
function encode(text: string, pieces: ReadonlyMap<string, Piece>): number[] {
  const marked = `▁${text.replace(/\s+/g, "▁")}`;
  const best = new Float64Array(marked.length + 1).fill(Number.NEGATIVE_INFINITY);
  const cameFrom = new Int32Array(marked.length + 1);
  const chosen = new Int32Array(marked.length + 1);
  best[0] = 0;
  for (let at = 0; at < marked.length; at++) {
    for (let length = 1; length <= PIECE_CHARS_MAX && at + length <= marked.length; length++) {
      const piece = pieces.get(marked.slice(at, at + length));
      const isKnown = piece !== undefined && piece.id >= FIRST_PIECE;
      if (!isKnown && length > 1) continue;
      const score = (best[at] as number) + (isKnown ? piece.score : UNKNOWN_SCORE);
      if (score <= (best[at + length] as number)) continue;
      best[at + length] = score;
      cameFrom[at + length] = at;
      chosen[at + length] = isKnown ? piece.id : 0;
    }
  }
  const ids: number[] = [];
  for (let at = marked.length; at > 0; at = cameFrom[at] as number) ids.unshift(chosen[at] as number);
  return ids;
}
