import type { StreamEvent } from "@millrace/protocol";
import type { ContentMode } from "./content.ts";
import type { Offset } from "./offset.ts";

/** A stream to be made. */
export type CreateRequest = {
  readonly path: string;
  /** Undefined for a fork that takes its source's. */
  readonly contentType: string | undefined;
  readonly ttlSeconds: number | undefined;
  /** As it was sent, and as milliseconds. */
  readonly expires: { readonly at: string; readonly ms: number } | undefined;
  readonly closes: boolean;
  readonly fork: ForkRequest | undefined;
  /** The first messages, which may be none. */
  readonly events: (mode: ContentMode) => readonly StreamEvent[];
};

export type ForkRequest = {
  readonly from: string;
  /** Undefined for the source's tail. */
  readonly at: Offset | undefined;
  /** Messages (JSON) or bytes past `at`. */
  readonly subOffset: number;
};
