/** The embedding thread: runs a provider that computes (static, transformers), so that the main thread never does. */
import { workerData } from "node:worker_threads";
import { createProvider, type ProviderSpec } from "./embedding/create-provider.ts";
import type { EmbeddingKind } from "./embedding/provider.ts";
import { Moved, serveWorker } from "./worker-serve.ts";

const opening = createProvider((workerData as { spec: ProviderSpec }).spec);
// A failure to open is told to whoever calls; without this line it would end the thread first.
opening.catch(() => {});

serveWorker({
  async describe() {
    const { name, model, dims } = await opening;
    return { name, model, dims };
  },
  async embed({ texts, kind }: { texts: readonly string[]; kind: EmbeddingKind }) {
    const vectors = await (await opening).embed(texts, { kind });
    return new Moved(vectors, [vectors.buffer as ArrayBuffer]);
  },
});
