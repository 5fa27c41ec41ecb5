import { layoutOf, MAGIC, WORD, writeHeader } from "./layout.ts";
import { PROBLEMS_MAX, type Problem, type Report } from "./problem.ts";
import type { Segment } from "./segment.ts";
import { NAVIGATION } from "./segment-engine.ts";
import { checkCodes } from "./validate-codes.ts";
import { checkGraph } from "./validate-graph.ts";

/** Rows whose codes are looked at, spread over the segment: each costs a decoding. */
const CODES_CHECKED = 256;

export type ValidateOptions = {
  /** Whether every linked row must be reached from the entry on level 0, which only `repair` promises. Default true. */
  readonly isRepaired?: boolean;
  /** Rows whose codes are decoded and compared, spread over all. Default 256. */
  readonly codes?: number;
};

/**
 * What is wrong with a segment that nobody changes meanwhile, at most PROBLEMS_MAX; none when it is sound. Reads only what lies
 * within the segment's memory, whatever the memory holds; uses the owner's scratch space. O(rows × degree + codes × dims).
 */
export function validateSegment(segment: Segment, options: ValidateOptions = {}): Problem[] {
  const problems: Problem[] = [];
  const report: Report = (kind, row, detail) => {
    if (problems.length < PROBLEMS_MAX) problems.push({ kind, row, detail });
  };
  checkHeader(segment, report);
  if (problems.length > 0) return problems;
  checkCounts(segment, report);
  if (problems.length > 0) return problems;
  checkAlive(segment, report);
  checkGraph({ segment, report, isRepaired: options.isRepaired ?? true });
  checkCodes({ segment, report, count: options.codes ?? CODES_CHECKED });
  return problems;
}

/** The words that say where things are: with others nothing else can be read. */
function checkHeader({ words, shape, memory }: Segment, report: Report): void {
  if (words[WORD.magic] !== MAGIC) {
    report("header", undefined, `the memory begins with ${words[WORD.magic]}`);
    return;
  }
  const layout = layoutOf(shape);
  const bytes = layout.pages * 65_536;
  if (memory.buffer.byteLength < bytes) {
    report("header", undefined, `the memory has ${memory.buffer.byteLength} bytes, its shape needs ${bytes}`);
    return;
  }
  const expected = new Uint32Array(WORD.queueAt + 1);
  writeHeader(expected, shape, layout);
  for (const [name, at] of Object.entries(WORD)) {
    if (at > WORD.queueAt || name === "isRotated" || words[at] === expected[at]) continue;
    report("header", undefined, `${name} is ${words[at]}; the shape asks for ${expected[at]}`);
  }
}

function checkCounts(segment: Segment, report: Report): void {
  const { rows, linked, capacity, layout } = segment;
  const used = segment.state("upperUsed");
  if (rows < 0 || rows > capacity) report("rows", undefined, `${rows} rows in room for ${capacity}`);
  if (linked < 0 || linked > rows) report("rows", undefined, `${linked} linked of ${rows} rows`);
  if (used < 0 || used > layout.upperMax)
    report("level", undefined, `${used} upper lists in room for ${layout.upperMax}`);
  if (linked > 0 && segment.navigation === NAVIGATION.none) report("rows", undefined, `${linked} linked, no graph`);
}

/** The bitmap against the count of removed rows; no id twice among the rows alive. */
function checkAlive(segment: Segment, report: Report): void {
  const { rows, dead, capacity, words, layout } = segment;
  const ids = new Map<number, number>();
  let alive = 0;
  for (let row = 0; row < rows; row++) {
    if (!segment.isAlive(row)) continue;
    alive++;
    const id = segment.idOf(row);
    const other = ids.get(id);
    if (other !== undefined) report("id", row, `id ${id} is alive in row ${other} too`);
    ids.set(id, row);
  }
  if (dead !== rows - alive) report("alive", undefined, `${alive} alive of ${rows} rows, ${dead} counted as removed`);
  for (let row = rows; row < capacity; row++) {
    const word = words[layout.aliveAt / 4 + (row >>> 5)] ?? 0;
    if (((word >>> (row & 31)) & 1) === 1) report("alive", row, `alive, of ${rows} rows`);
    if (word === 0) row |= 31;
  }
}
