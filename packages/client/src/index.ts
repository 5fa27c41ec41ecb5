/** The SDK of Millrace for browsers and Node. */
export * from "@millrace/protocol";
export { type Client, type ClientOptions, createClient } from "./client.ts";
export type { ClientClock } from "./clock.ts";
export type { WriterEvent } from "./event-json.ts";
export type { ExtractApi, ExtractCallOptions, ExtractEvent, ExtractFile, ExtractManyOptions } from "./extract.ts";
export type { JobHandle, JobSourcesOptions, JobSourcesPage, JobsApi, JobsOptions } from "./job.ts";
export type { Snapshot } from "./link.ts";
export type { Observation } from "./observe/encode-observations.ts";
export type { ObservationWriter, ObserverOptions } from "./observe/observation-writer.ts";
export type { ObserveOptions } from "./observe/space-writers.ts";
export type { SocketConstructor, SocketLike } from "./socket-link.ts";
export type { AddOptions, DocumentPage, SpaceHandle, SpacesApi } from "./space.ts";
export type {
  ExportOptions,
  FramePage,
  PageOptions,
  StreamExport,
  StreamHandle,
  StreamsApi,
  TimelinePage,
} from "./stream.ts";
export type { SubscribeOptions, SubscriptionStatus } from "./subscription.ts";
export type { UploadEvent, UploadFile, UploadOptions } from "./upload.ts";
export type { StreamWriter, WriterOptions, WriterProducer, WriterStatus } from "./writer.ts";
