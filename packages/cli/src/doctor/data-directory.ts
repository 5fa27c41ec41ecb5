/** The data directory, looked at without opening an engine on it: nothing is made, migrated or recovered. */
import { accessSync, constants, existsSync, readdirSync, statfsSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { formatBytes } from "../format.ts";
import { DISK_FREE_BYTES_MIN } from "../limits.ts";
import type { Check } from "./check.ts";

const NAME = "Data";
const DATABASE_FILE = "millrace.db";
const LOCK_FILE = "lock.db";

export function checkDataDirectory(directory: string): Check {
  if (!existsSync(directory)) {
    const parent = nearestExisting(directory);
    if (isWritable(parent))
      return { name: NAME, state: "ok", found: `${directory} is not there yet; the first start makes it` };
    const fix = "choose another --data or change the rights";
    return { name: NAME, state: "fail", found: `${directory} cannot be made: ${parent} is not writable`, fix };
  }
  if (!statSync(directory).isDirectory()) {
    return { name: NAME, state: "fail", found: `${directory} is a file`, fix: "choose another --data" };
  }
  if (!isWritable(directory)) {
    return { name: NAME, state: "fail", found: `${directory} is not writable`, fix: `chown or chmod ${directory}` };
  }
  const size = `${directory}, ${formatBytes(sizeOf(directory))}`;
  if (isHeld(directory)) {
    return { name: NAME, state: "ok", found: `${size}, held by a running engine: reach it with --url` };
  }
  const { versions, problem } = schemaVersions(directory);
  if (problem)
    return {
      name: NAME,
      state: "fail",
      found: `${size}: ${problem}`,
      fix: "restore a backup, or choose another --data",
    };
  return { name: NAME, state: "ok", found: `${size}, free${versions ? `, schema ${versions}` : ", without data yet"}` };
}

export function checkDisk(directory: string): Check {
  const { bavail, bsize } = statfsSync(nearestExisting(directory));
  const free = bavail * bsize;
  const found = `${formatBytes(free)} free`;
  if (free >= DISK_FREE_BYTES_MIN) return { name: "Disk", state: "ok", found };
  return { name: "Disk", state: "warn", found, fix: "free space, or choose a --data on another disk" };
}

function nearestExisting(path: string): string {
  let at = resolve(path);
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  return at;
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function sizeOf(directory: string): number {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce(
    (sum, { parentPath, name }) => sum + (statSync(join(parentPath, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}

/** The engine holds SQLite's exclusive lock on a file of its own for as long as it lives; trying for it harms nothing. */
function isHeld(directory: string): boolean {
  const path = join(directory, LOCK_FILE);
  if (!existsSync(path)) return false;
  const db = new DatabaseSync(path);
  try {
    db.exec("BEGIN EXCLUSIVE; ROLLBACK;");
    return false;
  } catch {
    return true;
  } finally {
    db.close();
  }
}

function schemaVersions(directory: string): { readonly versions?: string; readonly problem?: string } {
  const path = join(directory, DATABASE_FILE);
  if (!existsSync(path)) return {};
  try {
    using db = new DatabaseSync(path, { readOnly: true });
    const rows = db.prepare("SELECT module, version FROM schema_versions ORDER BY module").all();
    return { versions: rows.map(({ module, version }) => `${module} ${version}`).join(", ") };
  } catch (error) {
    return { problem: `${DATABASE_FILE} cannot be read (${error instanceof Error ? error.message : String(error)})` };
  }
}
