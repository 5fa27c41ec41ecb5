/** What the process itself brings: Node, WebAssembly, SQLite. */
import { DatabaseSync } from "node:sqlite";
import type { Check } from "./check.ts";

const NODE_MAJOR_MIN = 24;

export function checkNode(version = process.versions.node): Check {
  const isNewEnough = Number(version.split(".")[0]) >= NODE_MAJOR_MIN;
  const base = { name: "Node", found: `${version} on ${process.platform} ${process.arch}` };
  return isNewEnough
    ? { ...base, state: "ok" }
    : { ...base, state: "fail", fix: `install Node ${NODE_MAJOR_MIN} or newer` };
}

/** A function without arguments that gives a v128: enough for the validator to say whether the instructions are known. */
function moduleOf(instructions: readonly number[]): Uint8Array<ArrayBuffer> {
  const body = [0, ...instructions, 0x0b];
  const section = (id: number, content: readonly number[]) => [id, content.length, ...content];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 0, 1, 0x7b]),
    ...section(3, [1, 0]),
    ...section(10, [1, body.length, ...body]),
  ]);
}

const SPLAT_ZERO = [0x41, 0, 0xfd, 0x0f];
/** i8x16.popcnt (WebAssembly 2.0). */
const SIMD = moduleOf([...SPLAT_ZERO, 0xfd, 0x62]);
/** i8x16.relaxed_swizzle (WebAssembly 3.0, relaxed SIMD). */
const RELAXED_SIMD = moduleOf([...SPLAT_ZERO, ...SPLAT_ZERO, 0xfd, 0x80, 0x02]);

export function checkWebAssembly(validate = WebAssembly.validate): Check {
  const name = "WebAssembly";
  const fix = "use an official build of Node 24 on a 64-bit machine";
  if (!validate(SIMD)) return { name, state: "warn", found: "without SIMD: recall works, about 50 times slower", fix };
  if (!validate(RELAXED_SIMD))
    return { name, state: "warn", found: "SIMD without relaxed SIMD: recall is up to 3 times slower", fix };
  return { name, state: "ok", found: "SIMD and relaxed SIMD" };
}

export function checkSqlite(): Check {
  const db = new DatabaseSync(":memory:");
  const found = `SQLite ${db.prepare("SELECT sqlite_version() AS version").get()?.version}`;
  try {
    db.exec("CREATE VIRTUAL TABLE probe USING fts5 (text)");
    return { name: "SQLite", state: "ok", found: `${found} with FTS5` };
  } catch {
    return {
      name: "SQLite",
      state: "fail",
      found: `${found} without FTS5`,
      fix: "use an official build of Node, which has it",
    };
  } finally {
    db.close();
  }
}
