import type { LoadOptions } from "./run-load.ts";

/** What the cases run with unless they say otherwise; the same for Millrace and its peers. */
export const LOAD_DEFAULTS: LoadOptions = {
  target: "millrace",
  transport: "ws",
  writer: "ws",
  format: "frames",
  ack: "durable",
  subscribers: 0,
  streams: 1,
  rate: 0,
  seconds: 4,
  warmupSeconds: 1,
  bytes: 200,
  batch: 16,
  inFlight: 64,
  window: 512,
  generators: 1,
};
