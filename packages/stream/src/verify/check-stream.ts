import type { DatabaseSync } from "node:sqlite";
import type { Entity } from "@millrace/protocol";
import type { KeptEpoch } from "../storage/log-module.ts";
import { rowOf, rowsOf } from "../storage/rows.ts";
import type { Progress } from "./check-store.ts";
import { FramesCheck, type VerifiedStream } from "./frames-check.ts";
import type { Finding, FindingCheck } from "./report.ts";

export type StreamCheckContext = {
  readonly seen: Progress;
  readonly add: (finding: Finding) => void;
  /** Called after every frame. */
  readonly onFrame: () => void;
};

type EntityRow = { kind: string; id: string; version: number; first_seq: number; state: string; props: string };
type Report = (check: FindingCheck, message: string, seq?: number) => void;

/** A check of one stream by its row's id. Rows are taken one at a time, so that memory does not depend on the stream's length. */
export function createStreamCheck(db: DatabaseSync): (id: number, context: StreamCheckContext) => void {
  const find = db.prepare("SELECT id, name, epoch, first, head, frames, bytes FROM streams WHERE id = ?");
  const lineageOf = db.prepare("SELECT epoch, up_to AS upTo FROM epochs WHERE stream = ? ORDER BY up_to");
  const frames = db.prepare("SELECT seq, json FROM frames WHERE stream = ? ORDER BY seq");
  const checkProducers = createProducersCheck(db);
  const checkMessageIds = createMessageIdsCheck(db);
  const checkEntities = createEntitiesCheck(db);
  const checkRetention = createRetentionCheck(db);
  return (id, { seen, add, onFrame }) => {
    const stream = rowOf<VerifiedStream>(find, id);
    if (!stream) return;
    const report: Report = (check, message, seq) =>
      add({ check, stream: stream.name, ...(seq === undefined ? {} : { seq }), message });
    const lineage = rowsOf<KeptEpoch>(lineageOf, id);
    checkLineage(stream, lineage, report);
    const check = new FramesCheck(stream, lineage, add);
    for (const row of frames.iterate(id)) {
      const { seq, json } = row as { seq: number; json: string };
      check.next(seq, json);
      seen.frames++;
      seen.bytes += json.length;
      onFrame();
    }
    check.end();
    checkProducers(stream, report);
    checkMessageIds(stream, report);
    if (!check.entities) seen.notCompared++;
    seen.entities += checkEntities(stream, check.entities, report);
    checkRetention(stream, report);
  };
}

function checkLineage({ epoch, head }: VerifiedStream, lineage: readonly KeptEpoch[], report: Report): void {
  for (const kept of lineage) {
    if (kept.epoch === epoch) report("epoch", `the stream's own epoch ${epoch} is listed as replaced`);
    if (kept.upTo < 0 || kept.upTo > head) {
      report("epoch", `epoch ${kept.epoch} is said to be kept up to ${kept.upTo}; head is ${head}`);
    }
  }
}

/** A producer's numbers are its own; that they are numbers at all is what can be said of them. */
function createProducersCheck(db: DatabaseSync): (stream: VerifiedStream, report: Report) => void {
  const producers = db.prepare("SELECT producer, epoch, seq FROM producers WHERE stream = ?");
  return ({ id, head }, report) => {
    for (const row of producers.iterate(id)) {
      const { producer, epoch, seq } = row as { producer: string; epoch: number; seq: number };
      if (epoch < 0 || seq < 0 || head === 0)
        report("producer", `producer ${producer} is at ${epoch}:${seq}, head at ${head}`);
    }
  };
}

/** I3: an id stands for one frame. Ids outlive trimming, so only the head bounds them. */
function createMessageIdsCheck(db: DatabaseSync): (stream: VerifiedStream, report: Report) => void {
  const outside = db.prepare("SELECT seq, message_id FROM message_ids WHERE stream = ? AND (seq < 1 OR seq > ?)");
  const repeated = db.prepare(
    "SELECT message_id, max(seq) AS seq, count(*) AS times FROM message_ids WHERE stream = ? GROUP BY message_id HAVING times > 1",
  );
  return ({ id, head }, report) => {
    for (const row of outside.iterate(id, head)) {
      const { seq, message_id } = row as { seq: number; message_id: string };
      report("message-id", `message id ${message_id} points to frame ${seq}; head is ${head}`, seq);
    }
    for (const row of repeated.iterate(id)) {
      const { seq, message_id, times } = row as { seq: number; message_id: string; times: number };
      report("message-id", `message id ${message_id} is kept ${times} times`, seq);
    }
  };
}

/** I9: what is stored is what the frames make, where all frames are there; else that it points inside. Returns how many there are. */
function createEntitiesCheck(
  db: DatabaseSync,
): (stream: VerifiedStream, rebuilt: ReadonlyMap<string, Entity> | undefined, report: Report) => number {
  const entities = db.prepare("SELECT kind, id, version, first_seq, state, props FROM entities WHERE stream = ?");
  return ({ id: streamId, head }, rebuilt, report) => {
    let count = 0;
    for (const item of entities.iterate(streamId)) {
      const row = item as EntityRow;
      count++;
      const { kind, id, version, first_seq: firstSeq } = row;
      const name = `${kind} ${id.slice(0, 80)}`;
      if (firstSeq < 1 || firstSeq > version || version > head) {
        report("entity", `${name} is said to be of frames ${firstSeq} to ${version}; head is ${head}`, version);
      } else if (!isObject(row.props)) report("entity", `the properties of ${name} are no JSON object`, version);
      else if (rebuilt && !isSame(row, rebuilt.get(`${kind}/${id}`))) {
        report("entity", `${name} is not what the frames make of it`, version);
      }
    }
    if (rebuilt && rebuilt.size > count)
      report("entity", `${rebuilt.size - count} of ${rebuilt.size} entities are missing`);
    return count;
  };
}

function isSame(row: EntityRow, entity: Entity | undefined): boolean {
  if (!entity) return false;
  const { version, firstSeq, state, props } = entity;
  return (
    row.version === version && row.first_seq === firstSeq && row.state === state && row.props === JSON.stringify(props)
  );
}

function isObject(json: string): boolean {
  try {
    const value = JSON.parse(json) as unknown;
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

function createRetentionCheck(db: DatabaseSync): (stream: VerifiedStream, report: Report) => void {
  const find = db.prepare(
    "SELECT 1 FROM retention WHERE stream = ? AND (max_age_ms < 1 OR max_bytes < 1 OR max_frames < 1)",
  );
  return ({ id }, report) => {
    if (find.get(id)) report("retention", "a bound of its policy is below 1");
  };
}
