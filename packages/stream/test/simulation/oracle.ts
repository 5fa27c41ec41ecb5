import assert from "node:assert/strict";
import type { Gap } from "@millrace/protocol";

/** One append as it was answered: all of its frames are kept, or none. */
export type AppendRecord = {
  readonly firstSeq: number;
  readonly lastSeq: number;
  state: "open" | "durable" | "failed";
};

/** One frame that was numbered. It is the same frame in every version of the log that holds the same object. */
export type Entry = { readonly key: string; readonly append: AppendRecord; json?: string };

/** Who sent an event, where that makes duplicates: a producer's number, or a message id. */
export type Sent = {
  readonly key: string;
  readonly producer?: string;
  readonly number?: number;
  readonly messageId?: string;
};

export type Answer = { readonly firstSeq: number; readonly lastSeq: number; readonly accepted: number };

/** What a reader was given, in order. `begin` with the epoch of a cursor goes on from where it was. */
export type Item =
  | {
      readonly kind: "begin";
      readonly after: number;
      readonly cursorEpoch: string | undefined;
      readonly version: number;
    }
  | { readonly kind: "frame"; readonly seq: number; readonly key: string; readonly json: string }
  | { readonly kind: "gap"; readonly gap: Gap };

/**
 * What one stream's log must be, told by nothing but the answers to appends and by what the log itself holds when all is quiet. A cut makes a new
 * version: its frames up to the cut are those of the version before, what follows is others.
 */
export class LogOracle {
  readonly versions: Entry[][] = [[]];
  /** The first frame each version had when it was last asked. Who reads may have heard of a trim in an earlier one: see `firstOf`. */
  readonly firsts: number[] = [1];
  /** Epochs the log knows of: its own, and those it had before. */
  readonly epochs = new Set<string>();
  readonly #known = new Map<string, number>();

  get entries(): Entry[] {
    return this.versions.at(-1) ?? assert.fail();
  }

  get version(): number {
    return this.versions.length - 1;
  }

  /** An append was answered. The events that are not duplicates are frames `firstSeq` to `lastSeq`; earlier ones from there on are void. */
  appended(events: readonly Sent[], { firstSeq, lastSeq, accepted }: Answer): AppendRecord {
    if (accepted > 0 && firstSeq <= this.entries.length) this.cut(firstSeq - 1);
    const fresh = this.#fresh(events);
    const append: AppendRecord = { firstSeq, lastSeq, state: "open" };
    if (accepted === 0) return append;
    assert.equal(fresh.length, accepted, "I3: exactly the events that are new are frames");
    assert.deepEqual([firstSeq, lastSeq], [this.entries.length + 1, this.entries.length + accepted], "I1");
    for (const event of fresh) {
      this.entries.push({ key: event.key, append });
      this.#remember(event);
    }
    return append;
  }

  /** Everything after `kept` was not kept. */
  cut(kept: number): void {
    const lost = this.entries.slice(kept);
    if (lost.length === 0) return;
    const acknowledged = lost.filter(({ append }) => append.state === "durable");
    assert.deepEqual(acknowledged, [], "I4: what was acknowledged as durable is never lost");
    assert.notEqual(this.entries[kept - 1]?.append, lost[0]?.append, "an append is kept as a whole or not at all");
    this.versions.push(this.entries.slice(0, kept));
    this.firsts.push(this.firsts.at(-1) ?? 1);
    this.#known.clear();
    for (const { key } of this.entries) this.#rememberKey(key);
  }

  /** The stream was deleted: what comes is another log of the same name. */
  removed(): void {
    this.versions.push([]);
    this.firsts.push(1);
    this.#known.clear();
  }

  trimmed(first: number): void {
    this.firsts[this.version] = Math.max(this.firsts[this.version] ?? 1, first);
  }

  /**
   * The first frame a version can have had. A trim is answered, or found after a crash, when the log may have been cut since, but is in force
   * for readers before: a later version's trim holds for this one as far as both hold the same frames.
   */
  firstOf(version: number): number {
    const mine = this.versions[version] ?? [];
    const later = this.firsts.slice(version).map((first, at) => {
      return at === 0 ? first : Math.min(first, commonLength(mine, this.versions[version + at] ?? []) + 1);
    });
    return Math.max(1, ...later);
  }

  /** All is quiet: what the log holds is what was answered, no more and no less. */
  checkLog(first: number, rows: readonly { readonly seq: number; readonly json: string }[]): void {
    this.cut(first - 1 + rows.length);
    this.trimmed(first);
    for (const [at, { seq, json }] of rows.entries()) {
      assert.equal(seq, first + at, "I1: the log has no hole");
      const entry = this.entries[seq - 1] ?? assert.fail();
      assert.equal(keyOf(json), entry.key);
      entry.json ??= json;
      assert.equal(json, entry.json, "readers got the bytes that are stored");
      assert.notEqual(entry.append.state, "failed", "what was refused is not there");
    }
    const missing = this.entries.slice(0, first - 1 + rows.length).filter(({ append }) => append.state === "failed");
    assert.deepEqual(missing, []);
  }

  #fresh(events: readonly Sent[]): Sent[] {
    const inBatch = new Set<string>();
    return events.filter(({ producer, number = 0, messageId }) => {
      if (producer !== undefined) return number > (this.#known.get(producer) ?? -1);
      if (messageId === undefined) return true;
      const isNew = !this.#known.has(messageId) && !inBatch.has(messageId);
      inBatch.add(messageId);
      return isNew;
    });
  }

  #remember({ key }: Sent): void {
    this.#rememberKey(key);
  }

  /** Keys say who sent the event, and no two sendings have the same: `p1.7.93` is number 7 of producer p1, `m5.0.94` has message id m5. */
  #rememberKey(key: string): void {
    const [sender = "", number] = key.split(".");
    if (sender.startsWith("p")) this.#known.set(sender, Math.max(this.#known.get(sender) ?? -1, Number(number)));
    else if (sender.startsWith("m")) this.#known.set(sender, 0);
  }
}

export function keyOf(json: string): string {
  return (JSON.parse(json) as { data: { key: string } }).data.key;
}

const TRAIL_MAX = 12;

/**
 * Where a reader is, by what it was given. Each step must lead along a version of the log, or by a gap to a later one, and a gap must be
 * needed: the frame the reader has is not in that version, or the next one is past retention.
 */
export class Walk {
  readonly #log: LogOracle;
  /** The versions the reader may be in: those that hold what it has. */
  #versions: readonly number[] = [0];
  #last: Entry | undefined;
  /** The cursor it came back with was of an epoch that a crash made unknown; a gap may follow although nothing was lost. */
  #unknownEpoch: string | undefined;
  position = 0;
  /** The newest things it was given but for frames, for the report of a failure. */
  readonly #trail: string[] = [];

  constructor(log: LogOracle) {
    this.#log = log;
  }

  take(item: Item): void {
    if (item.kind !== "frame") this.#trail.push(`at ${this.position}: ${JSON.stringify(item)}`);
    if (this.#trail.length > TRAIL_MAX) this.#trail.shift();
    try {
      this.#take(item);
    } catch (error) {
      const versions = this.#log.versions.map(({ length }, at) => `${this.#log.firsts[at]}-${length}`);
      const place = `in versions ${this.#versions.join()} of ${versions.join(" ")}`;
      throw new Error(`${String(error)}\n${place}\n${this.#trail.join("\n")}\n${JSON.stringify(item)}`, {
        cause: error,
      });
    }
  }

  #take(item: Item): void {
    if (item.kind === "frame") this.#frame(item);
    else if (item.kind === "gap") this.#gap(item.gap);
    else if (item.cursorEpoch === undefined) this.#fresh(item.after, item.version);
    this.#unknownEpoch = item.kind === "begin" ? item.cursorEpoch : undefined;
  }

  /** The reader has everything there is. */
  checkComplete(): void {
    const { entries } = this.#log;
    assert.equal(this.position, entries.length, "nothing is lost");
    if (this.#last) assert.equal(entries[this.position - 1], this.#last, "the frame the reader has is the log's");
  }

  #fresh(after: number, version: number): void {
    this.#last = undefined;
    this.position = after;
    this.#moveTo(
      this.#from(version).filter((at) => after < this.#log.firstOf(at)),
      `a reader without a cursor began after ${after}`,
    );
  }

  #frame({ seq, key, json }: Extract<Item, { kind: "frame" }>): void {
    assert.equal(seq, this.position + 1, "I1: frames come once, in order, without a hole");
    const { versions } = this.#log;
    // Without a gap the reader may come into a later version, as long as that holds all it has.
    const [first = 0] = this.#versions;
    const leading = this.#from(first).filter((at) => this.#leadsTo(versions[at] ?? [], seq, key, json));
    this.#moveTo(leading, `frame ${seq} (${key}) does not follow what the reader has`);
    const entry = versions[leading[0] ?? 0]?.[seq - 1] ?? assert.fail();
    entry.json ??= json;
    this.#last = entry;
    this.position = seq;
  }

  #leadsTo(entries: readonly Entry[], seq: number, key: string, json: string): boolean {
    if (this.#last && entries[this.position - 1] !== this.#last) return false;
    const entry = entries[seq - 1];
    return entry?.key === key && (entry.json === undefined || entry.json === json);
  }

  #gap({ after, first, reason }: Gap): void {
    assert.equal(after, this.position, "a gap begins where the reader is");
    const isForgotten = this.#unknownEpoch !== undefined && !this.#log.epochs.has(this.#unknownEpoch);
    let leading = reason === "epoch" ? this.#cutTo(first) : first > after + 1 ? this.#trimmedTo(first) : [];
    // A new epoch that the disk refused and the process did not outlive: its readers are told to begin anew.
    if (leading.length === 0 && isForgotten) leading = this.#trimmedTo(first);
    this.#moveTo(leading, `the gap of reason ${reason} from ${after} to ${first} is not one the log has`);
    this.position = first - 1;
    this.#last = undefined;
  }

  /** The versions whose frames are not those the reader has, from exactly `first` on unless more was trimmed. */
  #cutTo(first: number): number[] {
    const { versions } = this.#log;
    return this.#from((this.#versions[0] ?? 0) + 1).filter((at) => {
      const entries = versions[at] ?? [];
      if (this.#last && entries[this.position - 1] === this.#last) return false;
      return this.#versions.some((mine) => {
        const kept = mine < at ? commonLength(versions[mine] ?? [], entries) : this.position;
        return kept < this.position && (first === kept + 1 || (first > kept && first <= this.#log.firstOf(at)));
      });
    });
  }

  #trimmedTo(first: number): number[] {
    return this.#from(this.#versions[0] ?? 0).filter((at) => first <= this.#log.firstOf(at));
  }

  #from(version: number): number[] {
    return this.#log.versions.flatMap((_, at) => (at >= version ? [at] : []));
  }

  #moveTo(versions: readonly number[], otherwise: string): void {
    assert.ok(versions.length > 0, otherwise);
    this.#versions = versions;
  }
}

function commonLength(one: readonly Entry[], other: readonly Entry[]): number {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length++;
  return length;
}
