/** What the threads of the observation log say to each other. */
import type { ErrorBody } from "@millrace/core";
import type { WriteMode } from "./log-disk.ts";
import type { ClosedFile } from "./log-file.ts";
import type { LogRecord } from "./log-record.ts";

export type LogThreadData =
  | {
      readonly role: "append";
      readonly directory: string;
      readonly mode: WriteMode;
      readonly fileBytesMax: number;
      readonly bytesMax: number;
    }
  | { readonly role: "reclaim"; readonly directory: string; readonly mode: WriteMode };

export type AppendArgs = { readonly epoch: number; readonly records: readonly LogRecord[] };
export type AppendReply = { readonly file: number; readonly offsets: readonly number[] };

export type LogState = {
  readonly closed: readonly ClosedFile[];
  readonly active: { readonly file: number; readonly bytes: number } | undefined;
};

export type LogRequest = { readonly id: number; readonly op: string; readonly args: unknown };
export type LogReply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: ErrorBody };
