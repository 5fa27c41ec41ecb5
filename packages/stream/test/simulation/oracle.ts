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

/** What a reader was given, in order. `begin` with `resumes` goes on from where it was. */
export type Item =
  | { readonly kind: "begin"; readonly after: number; readonly resumes: boolean; readonly version: number }
  | { readonly kind: "frame"; readonly seq: number; readonly key: string; readonly json: string }
  | { readonly kind: "gap"; readonly gap: Gap };

/**
 * What one stream's log must be, told by nothing but the answers to appends and by what the log itself holds when all is quiet. A cut makes a new
 * version: its frames up to the cut are those of the version before, what follows is others.
 */
export class LogOracle {
  readonly versions: Entry[][] = [[]];
  /** How far each version is known to have been trimmed: the first frame it still had. */
  readonly firsts: number[] = [1];
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

  /** Keys say who sent the event: `p1.7` is number 7 of producer p1, `m5` has that message id. */
  #rememberKey(key: string): void {
    const [sender = "", number] = key.split(".");
    if (sender.startsWith("p")) this.#known.set(sender, Math.max(this.#known.get(sender) ?? -1, Number(number)));
    else if (sender.startsWith("m")) this.#known.set(sender, 0);
  }
}

export function keyOf(json: string): string {
  return (JSON.parse(json) as { data: { key: string } }).data.key;
}

/**
 * Where a reader is, by what it was given. Each step must lead along a version of the log, or by a gap to a later one, and a gap must be
 * needed: the frame the reader has is not in that version, or the next one is past retention.
 */
export class Walk {
  readonly #log: LogOracle;
  #version = 0;
  #last: Entry | undefined;
  position = 0;

  constructor(log: LogOracle) {
    this.#log = log;
  }

  take(item: Item): void {
    if (item.kind === "frame") this.#frame(item);
    else if (item.kind === "gap") this.#gap(item.gap);
    else if (!item.resumes) this.#fresh(item.after, item.version);
  }

  /** The reader has everything there is. */
  checkComplete(): void {
    assert.equal(this.position, this.#log.entries.length, "nothing is lost");
    if (this.#last)
      assert.equal(this.#log.entries[this.position - 1], this.#last, "the frame the reader has is the log's");
  }

  #fresh(after: number, version: number): void {
    this.#version = version;
    this.#last = undefined;
    this.position = after;
    assert.ok(
      this.#log.firsts.some((first, at) => at >= version && after < first),
      `a reader without a cursor began after ${after}`,
    );
  }

  #frame({ seq, key, json }: Extract<Item, { kind: "frame" }>): void {
    assert.equal(seq, this.position + 1, "I1: frames come once, in order, without a hole");
    const { versions } = this.#log;
    const version = versions.findIndex((entries, at) => at >= this.#version && this.#leadsTo(entries, seq, key, json));
    assert.ok(version >= 0, `frame ${seq} (${key}) does not follow what the reader has`);
    const entry = versions[version]?.[seq - 1] ?? assert.fail();
    entry.json ??= json;
    this.#version = version;
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
    const version = reason === "epoch" ? this.#cutTo(first) : this.#trimmedTo(first);
    assert.ok(version >= 0, `the gap of reason ${reason} from ${after} to ${first} is not one the log has`);
    this.#version = version;
    this.position = first - 1;
    this.#last = this.#log.versions[version]?.[first - 2];
  }

  /** The version whose frames are not those the reader has, from exactly `first` on unless more was trimmed. */
  #cutTo(first: number): number {
    const { versions, firsts } = this.#log;
    const mine = versions[this.#version] ?? [];
    return versions.findIndex((entries, at) => {
      if (at <= this.#version || (this.#last && entries[this.position - 1] === this.#last)) return false;
      const kept = commonLength(mine, entries);
      return kept < this.position && (first === kept + 1 || (first > kept && first <= (firsts[at] ?? 1)));
    });
  }

  #trimmedTo(first: number): number {
    if (first <= this.position + 1) return -1;
    return this.#log.firsts.findIndex((known, at) => at >= this.#version && first <= known);
  }
}

function commonLength(one: readonly Entry[], other: readonly Entry[]): number {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length++;
  return length;
}
