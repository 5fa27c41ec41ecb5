/** The engine behind HTTP, WebSocket and SSE. */

export { createPageService, type PageService, type WalkedFile, walkFiles } from "@millrace/extract";
export { type VerifyOptions, verifyStore } from "@millrace/stream";
export { type DrainReport, Engine, type EngineOptions } from "./engine.ts";
export type { ProviderOptions } from "./provider-settings.ts";
export { type Server, type ServerOptions, startServer } from "./server.ts";
export { VERSION } from "./version.ts";
