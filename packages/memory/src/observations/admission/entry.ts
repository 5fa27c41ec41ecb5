/** What waits in a lane: a batch of one session, taken whole or not at all. */
import type { Lane } from "@millrace/protocol";
import type { SpaceAccount } from "./space-account.ts";

/** What is to be admitted. `count` is at least 1; `bytes` are those the batch takes while it is queued. */
export type AdmitRequest = {
  readonly space: number;
  /** Of one space: entries of a session keep their order within a lane because those of a space do. */
  readonly session: number | string;
  readonly lane: Lane;
  readonly count: number;
  readonly bytes: number;
};

/** An admitted batch with what its owner hung on it. */
export type Entry<T> = AdmitRequest & {
  /** The clock's monotonic time when it was admitted. */
  readonly admittedMs: number;
  readonly item: T;
};

/** An entry with its place in the queues: in admission order in its lane (`before`, `after`) and in its space (`following`). */
export class QueuedEntry<T> implements Entry<T> {
  readonly space: number;
  readonly session: number | string;
  readonly lane: Lane;
  readonly count: number;
  readonly bytes: number;
  readonly admittedMs: number;
  readonly item: T;
  readonly account: SpaceAccount<T>;
  stage: "waiting" | "taken" | "gone" = "waiting";
  before: QueuedEntry<T> | undefined = undefined;
  after: QueuedEntry<T> | undefined = undefined;
  following: QueuedEntry<T> | undefined = undefined;

  constructor(request: AdmitRequest, item: T, { account, nowMs }: { account: SpaceAccount<T>; nowMs: number }) {
    this.space = request.space;
    this.session = request.session;
    this.lane = request.lane;
    this.count = request.count;
    this.bytes = request.bytes;
    this.admittedMs = nowMs;
    this.item = item;
    this.account = account;
  }
}
