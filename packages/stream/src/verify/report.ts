import { FINDINGS_MAX } from "../limits.ts";

/** What is looked at; PROTOCOL.md says what each means. */
export type FindingCheck =
  | "integrity"
  | "schema"
  | "totals"
  | "orphan"
  | "seq"
  | "counters"
  | "json"
  | "frame"
  | "epoch"
  | "order"
  | "producer"
  | "message-id"
  | "terminal"
  | "entity"
  | "retention";

/** Something that is not as it must be. */
export type Finding = {
  readonly check: FindingCheck;
  /** Absent when it is about the store as a whole. */
  readonly stream?: string;
  readonly seq?: number;
  readonly message: string;
};

export type VerifyReport = {
  /** Nothing was found. */
  readonly isSound: boolean;
  readonly streams: number;
  readonly frames: number;
  /** UTF-16 units of their JSON, as the streams count them. */
  readonly bytes: number;
  readonly entities: number;
  /** At most FINDINGS_MAX. */
  readonly findings: readonly Finding[];
  /** All that were found, listed or not. */
  readonly found: number;
  /** Streams whose entities were too many to be built again and compared. */
  readonly notCompared: number;
  readonly tookMs: number;
};

/** The first FINDINGS_MAX findings and the number of all. */
export class Findings {
  readonly list: Finding[] = [];
  count = 0;

  add(finding: Finding): void {
    this.count++;
    if (this.list.length < FINDINGS_MAX) this.list.push(finding);
  }
}
