/** `streams retain` and `streams delete`: what is kept of a stream. */
import {
  isReservedStream,
  MillraceError,
  type RetentionPolicy,
  type StreamRetention,
  toStreamId,
} from "@millrace/client";
import type { CommandContext, ExitCode } from "./command.ts";
import { openEngine } from "./engine-link.ts";
import { formatBytes, formatCount, formatDuration, formatPlural } from "./format.ts";
import { nearest } from "./nearest.ts";
import type { OptionName, OptionValues } from "./options.ts";

/** Bounds that a stream's policy may have. */
const BOUNDS = ["max-age", "max-bytes", "max-frames"] as const satisfies readonly OptionName[];
/** Options of `streams retain`. */
export const RETENTION_OPTIONS = [...BOUNDS, "keep-all", "default"] as const satisfies readonly OptionName[];
/** Options that set what an engine keeps by default. */
export const DEFAULT_RETENTION_OPTIONS = [...BOUNDS, "jobs-max-age"] as const satisfies readonly OptionName[];

const ACTIONS = ["retain", "delete"] as const;
const DAY_MS = 86_400_000;

/** Whether the operands name something to do with one stream, rather than a prefix to list. */
export function isStreamAction(operands: readonly string[]): boolean {
  return operands.length === 2 || ACTIONS.some((action) => action === operands[0]);
}

export async function runStreamAction(context: CommandContext): Promise<ExitCode> {
  const [action = "", name] = context.operands;
  if (action !== "retain" && action !== "delete") {
    const near = nearest(action, ACTIONS);
    const hint = near ? `did you mean ${near}?` : `it takes ${ACTIONS.join(", ")}, or a prefix to list`;
    throw new MillraceError("invalid_argument", `streams has no action ${JSON.stringify(action)}; ${hint}`);
  }
  if (name === undefined) {
    const text = `streams ${action} which? millrace streams ${action} STREAM; "millrace streams" lists them`;
    throw new MillraceError("invalid_argument", text);
  }
  const stream = toStreamId(name);
  if (action === "delete") return remove(context, stream);
  return retain(context, stream);
}

/** The bounds that are given, as an engine takes them. */
export function toRetention(options: OptionValues): RetentionPolicy & { readonly jobsMaxAgeMs?: number } {
  const jobsMaxAgeMs = options["jobs-max-age"];
  return { ...toPolicy(options), ...(jobsMaxAgeMs === undefined ? {} : { jobsMaxAgeMs }) };
}

function toPolicy(options: OptionValues): RetentionPolicy {
  const { "max-age": maxAgeMs, "max-bytes": maxBytes, "max-frames": maxFrames } = options;
  return {
    ...(maxAgeMs === undefined ? {} : { maxAgeMs }),
    ...(maxBytes === undefined ? {} : { maxBytes }),
    ...(maxFrames === undefined ? {} : { maxFrames }),
  };
}

async function retain(context: CommandContext, stream: string): Promise<ExitCode> {
  const { terminal, options, signal } = context;
  const wanted = wantedPolicy(options);
  await using link = await openEngine(context, { mustExist: true });
  const handle = link.client.stream(stream);
  const state = wanted === undefined ? await handle.retention({ signal }) : await handle.retain(wanted, { signal });
  if (options.json) terminal.json(state);
  else terminal.out(describe(state));
  return 0;
}

/** Undefined when it is only asked for; null for that of the engine. */
function wantedPolicy(options: OptionValues): RetentionPolicy | null | undefined {
  const policy = toPolicy(options);
  const hasBound = Object.keys(policy).length > 0;
  const ways = [hasBound, options["keep-all"], options.default].filter(Boolean).length;
  if (ways > 1) {
    const text = "bounds, --keep-all and --default say different things; give bounds, or one of the two";
    throw new MillraceError("invalid_argument", text);
  }
  if (options.default) return null;
  return hasBound || options["keep-all"] ? policy : undefined;
}

async function remove(context: CommandContext, stream: string): Promise<ExitCode> {
  const { terminal, options, signal } = context;
  await using link = await openEngine(context, { mustExist: true });
  await link.client.stream(stream).delete({ signal });
  if (options.json) terminal.json({ stream, deleted: true });
  else terminal.out(`${stream} is deleted`);
  return 0;
}

function describe({ stream, policy, isDefault, epoch, first, frames, bytes }: StreamRetention): string {
  const { maxAgeMs, maxBytes, maxFrames } = policy;
  const bounds = [
    maxAgeMs === undefined ? "" : formatAge(maxAgeMs),
    maxBytes === undefined ? "" : formatBytes(maxBytes),
    maxFrames === undefined ? "" : formatPlural(maxFrames, "frame"),
  ].filter(Boolean);
  const kept = bounds.length === 0 ? "everything" : `at most ${bounds.join(", ")}`;
  const whose = isReservedStream(toStreamId(stream))
    ? "the engine's own"
    : isDefault
      ? "the engine's default"
      : "its own policy";
  const holds = `${formatPlural(frames, "frame")}, ${formatBytes(bytes)}, from ${epoch}:${first} on`;
  return `${stream} keeps ${kept} (${whose}); it holds ${holds}`;
}

function formatAge(ms: number): string {
  return ms % DAY_MS === 0 ? `${formatCount(ms / DAY_MS)} d` : formatDuration(ms);
}
