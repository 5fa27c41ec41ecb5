import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { StreamEvent, StreamId } from "@millrace/protocol";
import { DATABASE_FILE } from "@millrace/stream";
import { openRetained, type RetainedLog } from "../retention/fixture.ts";

export const CHAT = "chat:1" as StreamId;
export const JOB = "job:j1" as StreamId;

/** A store with clients' streams, a job with entities, message ids, producers, a trimmed stream and policies. */
export async function fillStore(log: RetainedLog): Promise<void> {
  const { sequencer, retention, clock } = log;
  for (let n = 0; n < 12; n++) {
    clock.advance(3);
    const events: StreamEvent[] = [0, 1, 2].map((at) => ({
      type: "log",
      id: `e${n}`,
      data: { n, at, text: "ünï 😀" },
      messageId: `m${n}-${at}`,
    }));
    await sequencer.append(CHAT, events, { producer: { producer: "p", epoch: 1, seq: n * 3 } });
    await sequencer.append(`other-${n % 3}` as StreamId, [{ type: "x.note", data: n }]);
  }
  await sequencer.append(
    "trimmed" as StreamId,
    Array.from({ length: 40 }, (_, n) => ({ type: "log", data: n })),
  );
  await retention.set("trimmed" as StreamId, { maxFrames: 15 });
  const document = (type: string, n: number) => ({ type, id: `d${n}`, data: { index: n } });
  await sequencer.append(JOB, [
    { type: "job.started", id: "j1", data: { total: 3 } },
    ...[0, 1, 2].map((n) => document("document.started", n)),
    ...[0, 1].map((n) => document("document.stored", n)),
    document("document.failed", 2),
    { type: "job.done", id: "j1", data: { stored: 2 } },
  ]);
}

export async function openFilled(): Promise<RetainedLog> {
  const log = await openRetained({ isKept: true });
  await fillStore(log);
  return log;
}

/** A copy of a closed store, to be damaged. */
export function copyStore(from: string, to: string): void {
  for (const name of [DATABASE_FILE, `${DATABASE_FILE}-wal`, `${DATABASE_FILE}-shm`]) {
    if (existsSync(join(from, name))) copyFileSync(join(from, name), join(to, name));
  }
}

/** Changes a store behind its back. */
export function damage(directory: string, change: (db: DatabaseSync) => void): void {
  const db = new DatabaseSync(join(directory, DATABASE_FILE), { enableForeignKeyConstraints: false });
  try {
    change(db);
  } finally {
    db.close();
  }
}
