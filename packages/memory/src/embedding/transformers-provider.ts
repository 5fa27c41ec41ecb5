/**
 * A model run in this process by `@huggingface/transformers` (ONNX), an optional peer dependency. It reads a local directory and
 * nothing else: no model is ever downloaded.
 */
import { stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { checkInteger, MillraceError } from "@millrace/core";
import { checkTexts } from "./check-texts.ts";
import { DIMS_MAX } from "./limits.ts";
import type { EmbeddingProvider } from "./provider.ts";
import { toUnitVectors } from "./unit-vectors.ts";

export type TransformersOptions = {
  /** A directory with `config.json`, `tokenizer.json` and `onnx/model*.onnx`; or one of such directories, with `model`. */
  readonly modelDirectory: string;
  /** The directory inside `modelDirectory`, for example `Xenova/bge-small-en-v1.5`; it also names the model. */
  readonly model?: string | undefined;
  /** Weights to load: `fp32` is `model.onnx`, `q8` is `model_quantized.onnx`. Default `fp32`. */
  readonly dtype?: "fp32" | "fp16" | "q8" | "int8" | "uint8" | "q4" | undefined;
  /** Texts in one run; default 16. */
  readonly batchMax?: number | undefined;
  /** Put before every passage or query, for models that were trained so. */
  readonly prefixes?: { readonly query?: string; readonly passage?: string } | undefined;
};

type Output = { readonly data: ArrayLike<number>; readonly dims: readonly number[] };
type Extractor = ((texts: readonly string[], options: { pooling: "mean"; normalize: boolean }) => Promise<Output>) & {
  dispose(): Promise<unknown>;
};
type Transformers = {
  readonly env: { allowRemoteModels: boolean; allowLocalModels: boolean; localModelPath: string };
  pipeline(task: "feature-extraction", model: string, options: { dtype: string }): Promise<Extractor>;
};

const PACKAGE = "@huggingface/transformers";
const BATCH_DEFAULT = 16;
const BATCH_MAX = 256;

/**
 * Loads the model and embeds one text to learn its dimensions. Rejects with `invalid_argument` when the directory holds no model,
 * `unavailable` when the package is not installed, `provider_failed` when the model cannot be loaded or run.
 */
export async function createTransformersProvider(options: TransformersOptions): Promise<EmbeddingProvider> {
  const { root, model } = await findModel(options);
  const batchMax = checkInteger("batchMax", options.batchMax ?? BATCH_DEFAULT, { min: 1, max: BATCH_MAX });
  const { env, pipeline } = await load();
  env.allowRemoteModels = false;
  env.allowLocalModels = true;
  env.localModelPath = root;
  const extractor = await attempt(model, () =>
    pipeline("feature-extraction", model, { dtype: options.dtype ?? "fp32" }),
  );
  const run = (texts: readonly string[]) =>
    attempt(model, () => extractor(texts, { pooling: "mean", normalize: true }));
  const dims = checkInteger("dims of the model", (await run(["dims"])).dims.at(-1), { min: 1, max: DIMS_MAX });
  return {
    name: "transformers",
    model,
    dims,
    async embed(texts, { kind, signal }) {
      checkTexts(texts);
      const prefix = options.prefixes?.[kind] ?? "";
      const vectors = new Float32Array(texts.length * dims);
      for (let at = 0; at < texts.length; at += batchMax) {
        signal?.throwIfAborted();
        const batch = texts.slice(at, at + batchMax).map((text) => prefix + text);
        const { data } = await run(batch);
        if (data.length !== batch.length * dims) throw wrongShape(model, data.length / batch.length, dims);
        vectors.set(data, at * dims);
      }
      return toUnitVectors(vectors, { dims, model });
    },
    async [Symbol.asyncDispose]() {
      await extractor.dispose();
    },
  };
}

function wrongShape(model: string, actual: number, dims: number): MillraceError {
  return new MillraceError(
    "dimension_mismatch",
    `${model} answered with ${actual} numbers a text; it was loaded with ${dims}; use a model whose vectors have one length`,
  );
}

async function findModel({ modelDirectory, model }: TransformersOptions): Promise<{ root: string; model: string }> {
  if (typeof modelDirectory !== "string" || modelDirectory === "")
    throw new MillraceError(
      "invalid_argument",
      "the transformers provider needs modelDirectory, a local folder with an ONNX model",
    );
  const directory = resolve(modelDirectory, model ?? ".");
  const isFile = (path: string) =>
    stat(path).then(
      (found) => found.isFile(),
      () => false,
    );
  for (const file of ["config.json", "tokenizer.json"]) {
    if (!(await isFile(join(directory, file))))
      throw new MillraceError(
        "invalid_argument",
        `${directory} has no ${file}; put a model there (config.json, tokenizer.json, onnx/model.onnx) or set modelDirectory`,
      );
  }
  return model === undefined
    ? { root: dirname(directory), model: basename(directory) }
    : { root: resolve(modelDirectory), model };
}

async function load(): Promise<Transformers> {
  const name: string = PACKAGE;
  try {
    return (await import(name)) as Transformers;
  } catch (cause) {
    const isMissing = cause instanceof Error && "code" in cause && cause.code === "ERR_MODULE_NOT_FOUND";
    throw new MillraceError(
      "unavailable",
      isMissing
        ? `the transformers provider needs the package ${PACKAGE}; run: npm install ${PACKAGE}`
        : `${PACKAGE} cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}; install it again`,
      { retryable: false, cause },
    );
  }
}

async function attempt<T>(model: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new MillraceError("provider_failed", `${model} failed: ${reason}`, { retryable: false, cause });
  }
}
