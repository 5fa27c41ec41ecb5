/**
 * The wire contract of PROTOCOL.md: frames, cursors, names, errors. Runs in a browser; the schemas are in
 * `@millrace/protocol/schemas`, their types here.
 */
export { CODES, type Code, type ErrorBody, fromErrorBody, isCode, MillraceError, toErrorBody } from "@millrace/core";
export type { Concept, ConceptPage, ConsolidateRequest, Consolidation } from "./consolidation-schemas.ts";
export { type Cursor, formatCursor, parseCursor } from "./cursor.ts";
export { ERROR_STATUS, type ErrorStatus } from "./error-status.ts";
export type {
  Correlation,
  Frame,
  ProducerLog,
  ProducerPosition,
  Seq,
  SpaceId,
  StreamEvent,
  StreamId,
} from "./frame.ts";
export {
  type AgentMode,
  ALERT_RULES,
  type Alert,
  type AlertRule,
  type AlertUnit,
  APPLICATION_PREFIX,
  type DebuggerPause,
  type Failure,
  FRAME_FAMILIES,
  FRAME_TYPES,
  type FrameDataOf,
  type FrameType,
  type Interruption,
  isFrameType,
  type LlmDelta,
  type LlmFinal,
  type LlmStart,
  type Log,
  type LogLevel,
  type TextDelta,
  type TextDeltaInput,
  type ThinkingFinal,
  type ThinkingModeCompleted,
  type ThinkingModeStarted,
  type ThinkingModeUpdate,
  type ThinkingStart,
  type ThinkingSummary,
  type TimelineUpsert,
  type ToolDone,
  type ToolResult,
  type ToolStart,
  type WholeMessage,
} from "./frame-types.ts";
export {
  INGEST_MARKS,
  type IngestAck,
  type IngestCapabilities,
  type IngestDeadLetter,
  type IngestFlowState,
  type IngestMark,
  type IngestRefusal,
  type IngestServerMessage,
  type IngestWatermarks,
  type ObserveResponse,
} from "./ingest-messages.ts";
export type { Gap, GapReason, ServerMessage } from "./messages.ts";
export { isReservedStream, jobStream, SYSTEM_STREAM, spaceStream, toSpaceId, toStreamId } from "./names.ts";
export {
  BATCH_HEADER_BYTES,
  decodeBatch,
  encodeBatch,
  LANES,
  type Lane,
  type ObservationBatch,
  type ObservationMeta,
  VECTOR_ENCODINGS,
  type VectorEncoding,
  vectorBytes,
} from "./observation-batch.ts";
export type { IngestClientMessage, ObservationJson } from "./observation-schemas.ts";
export type { Reembed, ReembedRequest } from "./reembed-schemas.ts";
export type {
  AddRequest,
  AppendRequest,
  AppendResponse,
  ClientMessage,
  CreateSpace,
  EmbeddingSpec,
  Entity,
  Finding,
  Job,
  JobSource,
  JobState,
  Latency,
  Overview,
  RecallMode,
  RecallRequest,
  RecallResponse,
  RecallResult,
  RetentionPolicy,
  Source,
  SourceState,
  Space,
  StoredDocument,
  StreamActivity,
  StreamEntry,
  StreamRetention,
  VerifyReport,
} from "./schemas.ts";
