/**
 * An index worker: owns the indexes of the spaces that it has a lease on. Batches are added in their order; between a few rows it
 * answers questions, so that none waits for a batch. See space-workers.ts for the other side.
 */
import { join } from "node:path";
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { assert, MillraceError, systemClock, toErrorBody } from "@millrace/core";
import { type IndexReader, openReader } from "@millrace/vector";
import { Slices } from "../consolidation/slices.ts";
import { stepsOf } from "../consolidation/work.ts";
import { LogReader } from "../log/log-reader.ts";
import { BuildQueue } from "./build-queue.ts";
import type {
  AnswerMessage,
  Poisoned,
  QuestionMessage,
  SpaceProgress,
  SpaceSpec,
  WorkerOrder,
  WorkerReport,
  WorkerSetup,
} from "./messages.ts";
import { RecallCheck } from "./recall-check.ts";
import { recallFrom } from "./recall-from.ts";
import type { NearestFound, NearestQuestion } from "./recall-question.ts";
import { SpaceIndex, transferOf } from "./space-index.ts";

const setup = workerData as WorkerSetup;
const port = parentPort;
assert(port, "an index worker is a thread");
const memory = new Uint8Array(setup.memory.buffer);
const log = LogReader.open(setup.logDirectory);
const spaces = new Map<number, SpaceIndex>();
/** Of spaces that other workers have. */
const readers = new Map<number, IndexReader>();
/** Spaces dropped while they were being opened. */
const dropped = new Set<number>();

/** Pause between two looks for segments that want building. */
const LOOK_EVERY_MS = 50;
/** A space is quiet when nothing was added for so long: then its last rows are linked too, which wait for company till then. */
const QUIET_MS = 300;
/** A space that nothing was added to or asked of for so long has nothing to look after. */
const STIRRED_MS = 2_000;
/** Spaces that something was added to or asked of lately: of thousands, those worth looking at. */
const stirred = new Map<number, SpaceIndex>();
/** An order that nobody began with for so long is offered again: its thread may have died. */
const OFFERED_MS = 5_000;
/** When segments were offered, the oldest first. */
const offered = new Map<string, number>();
/** The space whose index is being finished. */
let finishing: number | undefined;
const builds = new BuildQueue((id) => report({ kind: "built", id }));
const slices = new Slices({ clock: systemClock, between: answerWaiting });
const check = new RecallCheck({
  onChecked: (checked) => report({ kind: "recall-checked", ...checked }),
  isIdle: () => builds.isIdle,
  indexOf: (space) => spaces.get(space),
});

function report(said: WorkerReport): void {
  port?.postMessage(said);
}

function directoryOf(space: number): string {
  return join(setup.indexDirectory, String(space));
}

function surroundingsOf(space: number) {
  return { directory: directoryOf(space), options: setup.index, log };
}

function indexOf(space: number): SpaceIndex {
  const found = spaces.get(space);
  if (found) return found;
  throw new MillraceError("unavailable", `space ${space} is not on this worker now`, { retryAfterMs: 10 });
}

async function open(spec: SpaceSpec, lease: number): Promise<void> {
  const { space } = spec;
  try {
    const opened = await SpaceIndex.open(spec, surroundingsOf(space));
    if (dropped.delete(space)) return await opened.close();
    spaces.set(space, opened);
    stirred.set(space, opened);
    report({ kind: "opened", space, lease, progress: opened.progress(), damaged: opened.damaged });
  } catch (error) {
    report({ kind: "space-failed", space, lease, error: toErrorBody(error) });
  }
}

function add({ batch, entries }: Extract<WorkerOrder, { kind: "add" }>): void {
  const startedMs = performance.now();
  const poisoned: Poisoned[] = [];
  const touched = new Set<SpaceIndex>();
  for (const entry of entries) {
    // A space that was deleted meanwhile wants nothing any more.
    const space = spaces.get(entry.space);
    if (!space) continue;
    touched.add(space);
    stirred.set(entry.space, space);
    poisoned.push(...space.add(entry, memory, answerWaiting));
  }
  const progress = [...touched].map((space) => space.progress());
  builds.batched();
  slices.batched();
  report({ kind: "added", batch, busyMs: performance.now() - startedMs, poisoned, progress });
}

async function answerRequest(request: number, work: () => unknown): Promise<void> {
  try {
    report({ kind: "done", request, value: await work() });
  } catch (error) {
    report({ kind: "failed", request, error: toErrorBody(error) });
  }
}

/** Gives a space up; what cannot be copied to the next worker, ports of readers, is moved. */
function release(request: number, space: number): void {
  try {
    const released = indexOf(space).release();
    spaces.delete(space);
    port?.postMessage({ kind: "done", request, value: released } satisfies WorkerReport, transferOf(released));
  } catch (error) {
    report({ kind: "failed", request, error: toErrorBody(error) });
  }
}

function adopt({ spec, released, lease }: Extract<WorkerOrder, { kind: "adopt" }>): void {
  const adopted = SpaceIndex.adopt(spec, surroundingsOf(spec.space), released);
  spaces.set(spec.space, adopted);
  stirred.set(spec.space, adopted);
  report({ kind: "opened", space: spec.space, lease, progress: adopted.progress(), damaged: [] });
}

function remove({ space, ids, rows }: Extract<WorkerOrder, { kind: "remove" }>) {
  const index = indexOf(space);
  const removed = index.remove(ids, rows);
  return { removed, progress: index.progress() };
}

function share(request: number, space: number): void {
  try {
    const shared = indexOf(space).index.share();
    port?.postMessage({ kind: "done", request, value: shared } satisfies WorkerReport, [shared.port]);
  } catch (error) {
    report({ kind: "failed", request, error: toErrorBody(error) });
  }
}

function attach({ space, shared }: Extract<WorkerOrder, { kind: "attach" }>): void {
  detach(space);
  readers.set(space, openReader(shared));
}

function detach(space: number): void {
  readers.get(space)?.close();
  readers.delete(space);
}

function drop(space: number): void {
  const found = spaces.get(space);
  if (!found) dropped.add(space);
  spaces.delete(space);
  void found?.close();
}

async function settle(space: number): Promise<SpaceProgress> {
  const found = indexOf(space);
  await found.index.settle();
  return found.progress();
}

function consolidate({ space, work }: Extract<WorkerOrder, { kind: "consolidate" }>): Promise<unknown> {
  const index = indexOf(space);
  if (work.kind === "group") expire([index], work.nowMs);
  return slices.run(stepsOf(index, work), () => spaces.get(space) === index);
}

/** A full record: a new order does not compile until it is followed. */
const FOLLOW: { readonly [kind in WorkerOrder["kind"]]: (order: Extract<WorkerOrder, { kind: kind }>) => unknown } = {
  open: ({ spec, lease }) => {
    dropped.delete(spec.space);
    void open(spec, lease);
  },
  adopt,
  add,
  drop: ({ space }) => drop(space),
  expire: ({ nowMs }) => expire(spaces.values(), nowMs),
  compact: () => {
    for (const space of spaces.values()) space.compact();
  },
  share: ({ request, space }) => share(request, space),
  attach,
  detach: ({ space }) => detach(space),
  build: (order) => builds.push(order),
  release: ({ request, space }) => release(request, space),
  remove: (order) => answerRequest(order.request, () => remove(order)),
  live: ({ request, space, ranges }) => answerRequest(request, () => indexOf(space).liveRows(ranges)),
  save: ({ request, space }) => answerRequest(request, () => indexOf(space).save()),
  settle: ({ request, space }) => answerRequest(request, () => settle(space)),
  consolidate: (order) => answerRequest(order.request, () => consolidate(order)),
};

function follow(order: WorkerOrder): void {
  (FOLLOW[order.kind] as (order: WorkerOrder) => unknown)(order);
}

function answer(asked: QuestionMessage): void {
  const { id, space } = asked;
  try {
    if ("nearest" in asked) {
      const found = nearest(space, asked.nearest);
      setup.questions.postMessage({ id, answer: found } satisfies AnswerMessage);
      return;
    }
    const { question } = asked;
    const index = indexOf(space);
    expire([index], asked.askedMs);
    setup.questions.postMessage({ id, answer: recallFrom(index, question) } satisfies AnswerMessage);
    if (question.vector) check.asked(index, question.vector);
  } catch (error) {
    setup.questions.postMessage({ id, error: toErrorBody(error) } satisfies AnswerMessage);
  }
}

/** In an index that another worker has. */
function nearest(space: number, { vector, count, recall }: NearestQuestion): NearestFound {
  const reader = readers.get(space);
  if (!reader)
    throw new MillraceError("unavailable", `space ${space} is not read by this worker`, { retryAfterMs: 10 });
  return { ...reader.search(vector, count, recall === undefined ? {} : { recall }), count };
}

/** Questions that came meanwhile. */
function answerWaiting(): void {
  for (let asked = receiveMessageOnPort(setup.questions); asked; asked = receiveMessageOnPort(setup.questions)) {
    answer(asked.message as QuestionMessage);
  }
}

/** Takes out what has expired, and tells of it. */
function expire(among: Iterable<SpaceIndex>, nowMs: number): void {
  const changed = [...among].filter((space) => space.expire(nowMs).length > 0);
  if (changed.length > 0) report({ kind: "progress", progress: changed.map((space) => space.progress()) });
}

/** Offers what wants building; what is left of quiet spaces after that, each space's own thread finishes. */
function lookAfterIndexes(): void {
  const changed: SpaceProgress[] = [];
  for (const [space, index] of stirred) {
    if (spaces.get(space) !== index) {
      stirred.delete(space);
      continue;
    }
    const orders = index.index.builds().filter(({ place }) => isNew(space, place));
    if (orders.length > 0) report({ kind: "builds", orders });
    else if (builds.isIdle && !builds.hasWork && index.isQuiet(QUIET_MS)) void finish(space, index);
    if (index.hasMoved) changed.push(index.progress());
    else if (orders.length === 0 && index.pending === 0 && index.isQuiet(STIRRED_MS)) stirred.delete(space);
  }
  if (changed.length > 0) report({ kind: "progress", progress: changed });
}

/** Whether a segment was not offered a moment ago: an order is listed until somebody begins with it. */
function isNew(space: number, place: number): boolean {
  const key = `${space}/${place}`;
  const nowMs = performance.now();
  if (nowMs - (offered.get(key) ?? Number.NEGATIVE_INFINITY) < OFFERED_MS) return false;
  offered.delete(key);
  offered.set(key, nowMs);
  for (const [oldest, atMs] of offered) {
    if (nowMs - atMs < OFFERED_MS) break;
    offered.delete(oldest);
  }
  return true;
}

/** One space at a time: a few ms, then others have their turn. */
async function finish(space: number, index: SpaceIndex): Promise<void> {
  if (finishing !== undefined || index.pending === 0) return;
  finishing = space;
  try {
    await index.index.settle();
  } catch {
    // The index was handed over or closed meanwhile; who has it now goes on.
  } finally {
    finishing = undefined;
  }
}

port.on("message", follow);
setup.questions.on("message", answer);
setInterval(lookAfterIndexes, LOOK_EVERY_MS).unref();
