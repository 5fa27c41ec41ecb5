import type { ErrorBody } from "@millrace/core";
import type { Frame, Seq, StreamId } from "./frame.ts";
import type { AppendResponse, Entity } from "./schemas.ts";

/** Why a cursor could not be honoured: its epoch was replaced, or its frames are past retention. */
export type GapReason = "epoch" | "retention";

/** Frames between `after` and `first` will not come; what follows begins at `first`. */
export type Gap = {
  readonly stream: StreamId;
  readonly epoch: string;
  readonly after: number;
  readonly first: number;
  readonly head: number;
  readonly reason: GapReason;
};

/** What a server sends on the WebSocket; PROTOCOL.md says when. */
export type ServerMessage =
  | {
      readonly op: "subscribed";
      readonly sub: number;
      readonly stream: StreamId;
      readonly epoch: string;
      readonly head: Seq;
      /** Frames up to here are safe from a power cut. */
      readonly durable: number;
      readonly after: number;
    }
  | { readonly op: "frames"; readonly sub: number; readonly frames: readonly Frame[] }
  | ({ readonly op: "gap"; readonly sub: number } & Gap)
  | {
      readonly op: "snapshot";
      readonly sub: number;
      readonly stream: StreamId;
      readonly epoch: string;
      readonly asOfSeq: number;
      readonly entities: readonly Entity[];
      readonly next?: string;
    }
  /** For the compact form, which leaves it out: frames after `after` are of `epoch`. */
  | { readonly op: "epoch"; readonly sub: number; readonly epoch: string; readonly after: number }
  | { readonly op: "durable"; readonly sub: number; readonly seq: number }
  | ({ readonly op: "appended"; readonly id: number } & AppendResponse)
  | { readonly op: "error"; readonly sub?: number; readonly id?: number; readonly error: ErrorBody }
  | { readonly op: "ping" }
  | { readonly op: "pong" };
