import type { Target } from "../target.ts";
import { durableStreamsTarget } from "./durable-streams.ts";
import { type MillraceOptions, millraceTarget } from "./millrace.ts";
import { plainWsTarget } from "./plain-ws.ts";
import { socketIoTarget } from "./socket-io.ts";

/** `millrace` and the peers that take part in the same runs. */
export const TARGET_NAMES = ["millrace", "durable-streams", "durable-streams-memory", "socket-io", "plain-ws"] as const;
export type TargetName = (typeof TARGET_NAMES)[number];

/** A peer has one way; the options are Millrace's. */
export type TargetOptions = MillraceOptions & { readonly target: TargetName };

export function chooseTarget(options: TargetOptions): Target {
  switch (options.target) {
    case "millrace":
      return millraceTarget(options);
    case "durable-streams-memory":
    case "durable-streams":
      return durableStreamsTarget;
    case "socket-io":
      return socketIoTarget;
    case "plain-ws":
      return plainWsTarget;
  }
}
