import type { DatabaseSync } from "node:sqlite";
import { MillraceError } from "@millrace/core";
import { FINDINGS_MAX, VERIFY_PROGRESS_FRAMES } from "../limits.ts";
import { storageModule as retentionModule } from "../retention/retention-module.ts";
import { storageModule as logModule } from "../storage/log-module.ts";
import { openReader } from "../storage/migrate.ts";
import { rowOf, rowsOf } from "../storage/rows.ts";
import { toStorageError } from "../storage/storage-error.ts";
import { createStreamCheck } from "./check-stream.ts";
import { type Finding, Findings, type VerifyReport } from "./report.ts";
import type { VerifyProgress } from "./verify.ts";

/** Tables whose rows belong to a stream. */
const TABLES_OF_STREAMS = ["frames", "producers", "message_ids", "entities", "epochs", "retention"] as const;

export type Progress = { streams: number; frames: number; bytes: number; entities: number; notCompared: number };

/** All checks of one store. A file that SQLite cannot read is a finding; `data_too_new` is thrown. */
export function checkStore(directory: string, onProgress: (progress: VerifyProgress) => void): VerifyReport {
  const startedMs = performance.now();
  const findings = new Findings();
  const seen: Progress = { streams: 0, frames: 0, bytes: 0, entities: 0, notCompared: 0 };
  let db: DatabaseSync | undefined;
  try {
    db = openReader(directory);
    checkVersions(db);
    // What cannot be read at one place need not be unreadable at the next.
    for (const check of [checkIntegrity, checkTotals, checkOrphans])
      guard(findings, () => check(db as DatabaseSync, findings));
    guard(findings, () => checkStreams(db as DatabaseSync, findings, { seen, onProgress }));
  } catch (error) {
    const failure = toStorageError(error);
    if (failure.code !== "storage_failed" || failure.retryable) throw failure;
    findings.add({ check: "integrity", message: failure.message });
  } finally {
    db?.close();
  }
  const { list, count } = findings;
  return { isSound: count === 0, ...seen, findings: list, found: count, tookMs: performance.now() - startedMs };
}

function guard(findings: Findings, check: () => void): void {
  try {
    check();
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    findings.add({ check: "integrity", message: `the file cannot be read on: ${cause}` });
  }
}

/** A store that a newer version wrote may mean other things by its rows; an older one lacks tables, which its next start adds. */
function checkVersions(db: DatabaseSync): void {
  const rows = rowsOf<{ module: string; version: number }>(db.prepare("SELECT module, version FROM schema_versions"));
  for (const { name, migrations } of [logModule, retentionModule]) {
    const version = rows.find(({ module }) => module === name)?.version ?? 0;
    if (version === migrations.length) continue;
    const isNewer = version > migrations.length;
    const fix = isNewer
      ? "verify it with the Millrace that wrote it"
      : "start an engine on it once, which brings it up to date";
    const message = `the store holds "${name}" in version ${version}, this Millrace verifies ${migrations.length}: ${fix}`;
    throw new MillraceError(isNewer ? "data_too_new" : "conflict", message);
  }
}

function checkIntegrity(db: DatabaseSync, findings: Findings): void {
  const rows = rowsOf<{ integrity_check: string }>(db.prepare(`PRAGMA integrity_check(${FINDINGS_MAX})`));
  for (const { integrity_check: message } of rows) if (message !== "ok") findings.add({ check: "integrity", message });
}

/** One statement, so one moment: the totals are kept by triggers in the transaction that changes a stream. */
function checkTotals(db: DatabaseSync, findings: Findings): void {
  const row = rowOf<{ rows: number; streams: number; frames: number; counted: number; summed: number }>(
    db.prepare(`SELECT (SELECT count(*) FROM log_totals) AS rows, coalesce(max(t.streams), 0) AS streams, coalesce(max(t.frames), 0) AS frames,
      (SELECT count(*) FROM streams) AS counted, (SELECT coalesce(sum(frames), 0) FROM streams) AS summed FROM log_totals t`),
  );
  if (row?.rows !== 1) {
    findings.add({ check: "totals", message: `log_totals has ${row?.rows ?? 0} rows instead of one` });
    return;
  }
  if (row.streams === row.counted && row.frames === row.summed) return;
  const message = `log_totals says ${row.streams} streams and ${row.frames} frames; there are ${row.counted} and ${row.summed}`;
  findings.add({ check: "totals", message });
}

/** Rows of a stream that does not exist; from stream to stream along the index, so that it costs one look-up each. */
function checkOrphans(db: DatabaseSync, findings: Findings): void {
  const exists = db.prepare("SELECT 1 FROM streams WHERE id = ?");
  for (const table of TABLES_OF_STREAMS) {
    const next = db.prepare(`SELECT min(stream) AS id FROM ${table} WHERE stream > ?`);
    for (let id = rowOf<{ id: number | null }>(next, -1)?.id; id !== null && id !== undefined; ) {
      if (!exists.get(id))
        findings.add({ check: "orphan", message: `${table} has rows of stream number ${id}, which does not exist` });
      id = rowOf<{ id: number | null }>(next, id)?.id;
    }
  }
}

function checkStreams(
  db: DatabaseSync,
  findings: Findings,
  { seen, onProgress }: { readonly seen: Progress; readonly onProgress: (progress: VerifyProgress) => void },
): void {
  const nextId = db.prepare("SELECT min(id) AS id FROM streams WHERE id > ?");
  const check = createStreamCheck(db);
  let told = 0;
  const tell = () => {
    if (seen.frames - told < VERIFY_PROGRESS_FRAMES) return;
    told = seen.frames;
    onProgress({ streams: seen.streams, frames: seen.frames });
  };
  for (let id = rowOf<{ id: number | null }>(nextId, -1)?.id; id !== null && id !== undefined; ) {
    // One snapshot for each stream: what an engine appends or trims meanwhile is seen as a whole or not at all.
    db.exec("BEGIN");
    try {
      const add = (finding: Finding) => findings.add(finding);
      check(id, { seen, add, onFrame: tell });
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      findings.add({ check: "integrity", message: `stream number ${id} cannot be read on: ${cause}` });
    } finally {
      db.exec("COMMIT");
    }
    seen.streams++;
    id = rowOf<{ id: number | null }>(nextId, id)?.id;
  }
}
