import type { Entity, Frame, StreamId } from "@millrace/protocol";
import { VERIFY_ENTITIES_MAX } from "../limits.ts";
import type { KeptEpoch } from "../storage/log-module.ts";
import { makesEntity, reduceFrame } from "../timeline/reducer.ts";
import type { Finding, FindingCheck } from "./report.ts";
import { TerminalCheck } from "./terminal-check.ts";

/** A stream as its row says it is. */
export type VerifiedStream = {
  readonly id: number;
  readonly name: StreamId;
  readonly epoch: string;
  readonly first: number;
  readonly head: number;
  readonly frames: number;
  readonly bytes: number;
};

/** Looks at the frames of one stream, given one after the other; holds none of them. */
export class FramesCheck {
  frames = 0;
  bytes = 0;
  /** What the frames make of the timeline; undefined when it was not built: frames before were trimmed, or it would be too large. */
  entities: Map<string, Entity> | undefined;
  readonly #stream: VerifiedStream;
  readonly #lineage: readonly KeptEpoch[];
  readonly #add: (finding: Finding) => void;
  readonly #terminals = new TerminalCheck();
  #next: number;
  #ts = 0;

  /** `lineage`: the epochs before the stream's own, oldest first. */
  constructor(stream: VerifiedStream, lineage: readonly KeptEpoch[], add: (finding: Finding) => void) {
    this.#stream = stream;
    this.#lineage = lineage;
    this.#add = add;
    this.#next = stream.first;
    this.entities = stream.first === 1 ? new Map() : undefined;
  }

  next(seq: number, json: string): void {
    this.frames++;
    this.bytes += json.length;
    this.#checkPlace(seq);
    const frame = this.#parse(seq, json);
    if (!frame || !this.#isWellFormed(seq, json, frame)) return;
    this.#checkEpoch(seq, frame.epoch);
    if (frame.ts < this.#ts) this.#report("order", seq, `the time steps back from ${this.#ts} to ${frame.ts}`);
    this.#ts = frame.ts;
    const ended = this.#terminals.next(frame.type, frame.id);
    if (ended) this.#report("terminal", seq, `${frame.type} for ${frame.id.slice(0, 80)}, which had ended as ${ended}`);
    this.#project(frame);
  }

  /** After the last frame: what the stream's row says of all of them. */
  end(): void {
    const { first, head, frames, bytes } = this.#stream;
    if (head > 0 && this.#next <= head) this.#report("seq", this.#next, missing(this.#next, head));
    if (first < 1 || first > head + 1 || (head > 0 && first > head)) {
      this.#report("counters", undefined, `first is ${first} and head ${head}`);
    }
    if (frames !== this.frames) this.#report("counters", undefined, `frames is ${frames}; there are ${this.frames}`);
    if (bytes !== this.bytes) this.#report("counters", undefined, `bytes is ${bytes}; the frames have ${this.bytes}`);
  }

  /** I1. */
  #checkPlace(seq: number): void {
    const { first, head } = this.#stream;
    if (seq < first) this.#report("seq", seq, `a frame before first, which is ${first}`);
    else if (seq > head) this.#report("seq", seq, `a frame after head, which is ${head}`);
    else if (seq > this.#next) this.#report("seq", this.#next, missing(this.#next, seq - 1));
    this.#next = Math.max(this.#next, seq + 1);
  }

  #parse(seq: number, json: string): Partial<Frame> | undefined {
    try {
      const value = JSON.parse(json) as unknown;
      if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
      this.#report("json", seq, "the frame is no JSON object");
    } catch (error) {
      this.#report("json", seq, `the frame is no JSON: ${error instanceof Error ? error.message : String(error)}`);
    }
    return undefined;
  }

  #isWellFormed(seq: number, json: string, frame: Partial<Frame>): frame is Frame {
    const { name } = this.#stream;
    const wrong = wrongField(frame, name, seq);
    if (wrong) this.#report("frame", seq, wrong);
    // Readers get these bytes as they are, and places are read from their beginning without parsing.
    else if (!json.startsWith(`{"stream":"${name}","epoch":"${frame.epoch}","seq":${seq},"ts":${frame.ts},`)) {
      this.#report("frame", seq, "the frame does not begin with its cursor fields");
    } else return true;
    return false;
  }

  /** A frame keeps the epoch it was written under (decision 0007): the first that was kept at least up to it. */
  #checkEpoch(seq: number, epoch: string): void {
    if (this.#lineage.length === 0 && epoch === this.#stream.epoch) return;
    const upTo = this.#lineage.find((kept) => kept.upTo >= seq)?.upTo;
    const allowed =
      upTo === undefined
        ? [this.#stream.epoch]
        : this.#lineage.filter((kept) => kept.upTo === upTo).map((kept) => kept.epoch);
    if (!allowed.includes(epoch))
      this.#report("epoch", seq, `the frame is of epoch ${epoch}, its place of ${allowed.join(" or ")}`);
  }

  #project(frame: Frame): void {
    const { entities } = this;
    if (!entities || !makesEntity(frame.stream, frame.type)) return;
    const entity = reduceFrame(frame, (kind, id) => entities.get(`${kind}/${id}`));
    if (entity) entities.set(`${entity.kind}/${entity.id}`, entity);
    if (entities.size > VERIFY_ENTITIES_MAX) this.entities = undefined;
  }

  #report(check: FindingCheck, seq: number | undefined, message: string): void {
    this.#add({ check, stream: this.#stream.name, ...(seq === undefined ? {} : { seq }), message });
  }
}

function wrongField(frame: Partial<Frame>, stream: string, seq: number): string | undefined {
  const shown = (value: unknown) => (JSON.stringify(value) ?? "missing").slice(0, 80);
  if (frame.stream !== stream) return `its stream is ${shown(frame.stream)}`;
  if (frame.seq !== seq) return `its seq is ${shown(frame.seq)}`;
  if (typeof frame.epoch !== "string") return `its epoch is ${shown(frame.epoch)}`;
  if (!Number.isSafeInteger(frame.ts) || (frame.ts ?? -1) < 0) return `its ts is ${shown(frame.ts)}`;
  if (typeof frame.type !== "string" || frame.type === "") return `its type is ${shown(frame.type)}`;
  if (typeof frame.id !== "string" || frame.id === "") return `its id is ${shown(frame.id)}`;
  return Object.hasOwn(frame, "data") ? undefined : "it has no data";
}

function missing(from: number, to: number): string {
  return from === to ? `frame ${from} is missing` : `frames ${from} to ${to} are missing`;
}
