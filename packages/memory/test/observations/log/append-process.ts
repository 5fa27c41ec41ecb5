/**
 * Appends for as long as it lives, four appends at a time, removes three of four records again, and reclaims. Says what it asked for and
 * what was acknowledged: `kept N`; `removed N`: of the records before N three of four may be gone from now on. Arguments: directory, and
 * `append`, `reclaim` to reclaim meanwhile, or `exit` to do nothing.
 */
import { ObservationLog } from "../../../src/observations/log/observation-log.ts";
import { observations, removals } from "./fixture.ts";
import { isKept, RECORD_ROWS, recordNumber } from "./kept-records.ts";

const [directory = "", does = "append"] = process.argv.slice(2);
const log = await ObservationLog.open({ directory, fileBytesMax: 65_536 });
let next = (log.recovered.spaces[0]?.nextRow ?? 0) / RECORD_ROWS;
let removed = next;
const say = (word: string, number: number): boolean =>
  process.stdout.write(`${word} ${number}
`);

async function append(): Promise<void> {
  for (;;) {
    const number = next++;
    await log.append([
      recordNumber(number),
      { ...observations({ space: 2, firstRow: number, count: 1, dims: 9 }), firstSeq: number + 1 },
    ]);
    say("kept", number);
    if (number % 20 === 0) await remove(number - 4);
  }
}

async function remove(upTo: number): Promise<void> {
  if (upTo <= removed) return;
  say("removed", upTo);
  const numbers = Array.from({ length: upTo - removed }, (_, at) => removed + at).filter((number) => !isKept(number));
  removed = upTo;
  const rows = numbers.flatMap((number) => Array.from({ length: RECORD_ROWS }, (_, at) => number * RECORD_ROWS + at));
  if (rows.length > 0) await log.append([removals(rows)]);
}

async function reclaim(): Promise<void> {
  for (;;) {
    const { filesRemoved } = await log.reclaim({
      liveRowsOf: (space, ranges) =>
        Uint32Array.from({ length: ranges.length / 2 }, (_, at) => {
          const number = Math.floor((ranges[at * 2] ?? 0) / RECORD_ROWS);
          return space === 1 && (number >= removed || isKept(number)) ? (ranges[at * 2 + 1] ?? 0) : 0;
        }),
    });
    if (filesRemoved > 0) say("reclaimed", filesRemoved);
  }
}

if (does === "exit") {
  await log.reclaim({ liveRowsOf: (_, ranges) => new Uint32Array(ranges.length / 2) });
  await log.close();
} else {
  await Promise.all([append(), append(), append(), append(), ...(does === "reclaim" ? [reclaim()] : [])]);
}
