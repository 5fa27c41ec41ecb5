/** Between the process that judges and the process of a peer. */
import type { ErrorBody } from "@millrace/core";
import type { PeerAnswer } from "./peers/answer.ts";

export type PageForPeer = { readonly html: string; readonly url: string };

export type FromPeer =
  | { readonly kind: "ready"; readonly versions: Readonly<Record<string, string>> }
  /** The peer cannot be loaded. */
  | { readonly kind: "refused"; readonly error: ErrorBody }
  | { readonly kind: "answered"; readonly answer: PeerAnswer; readonly cpuMs: number; readonly peakRssBytes: number }
  /** The peer threw on the page. */
  | { readonly kind: "failed"; readonly reason: string; readonly cpuMs: number; readonly peakRssBytes: number };
