/** Spaces, embedding providers, indexing and recall. */
export type { DocumentChunk, DocumentInput, PutOutcome } from "./document.ts";
export { createProvider, type ProviderSpec } from "./embedding/create-provider.ts";
export { createOpenAiProvider, type OpenAiOptions } from "./embedding/openai-provider.ts";
export type { EmbeddingKind, EmbeddingProvider, EmbedOptions } from "./embedding/provider.ts";
export { createStaticProvider, STATIC_MODEL } from "./embedding/static-provider.ts";
export { createTransformersProvider, type TransformersOptions } from "./embedding/transformers-provider.ts";
export { type CachedProvider, withCache } from "./embedding/with-cache.ts";
export { WORKER_REQUESTS_MAX } from "./limits.ts";
export { documentId, hashOf, Memory, type MemoryOptions } from "./memory.ts";
export type { PressureState } from "./observations/admission/pressure.ts";
export { PROFILE_NAMES, type Profile, type ProfileName } from "./observations/admission/profiles.ts";
export { type ProfileOverrides, resolveProfile } from "./observations/admission/resolve-profile.ts";
export { ObservationLog } from "./observations/log/observation-log.ts";
export type { Observations } from "./observations/observations.ts";
export type { IngestSession, OpenSessionRequest, Watermarks } from "./observations/session.ts";
export {
  createFullTextSql,
  dropFullTextSql,
  type FullTextHit,
  type FullTextRow,
  FullTextTable,
  type MarkedHit,
  toMatchQuery,
} from "./retrieval/full-text.ts";
export {
  type FuseContext,
  type Fused,
  type FusedTerm,
  fuse,
  type TextHit,
  type VectorHit,
} from "./retrieval/fusion.ts";
export { toHighlights } from "./retrieval/highlights.ts";
export type { EmbeddingChoice, ProviderSettings, RemovedWithSpace } from "./space-registry.ts";
export { consolidationModuleUrl, memoryModuleUrl, observationsModuleUrl } from "./worker-url.ts";
