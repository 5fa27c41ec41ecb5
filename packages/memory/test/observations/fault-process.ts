/**
 * An engine's memory in a process of its own, told what to do line by line, that is killed or runs out of disk. Argument: directory.
 * Each answer says how far the session has come.
 */
import { createInterface } from "node:readline";
import { MillraceError } from "@millrace/core";
import type { FaultOrder } from "./fault-child.ts";
import { liveOf, openFaulty, turn } from "./fault-memory.ts";
import { batchOf, DIMS, SPACE } from "./fixture.ts";

const COUNT = 20;
const [directory = ""] = process.argv.slice(2);
let areTextsHeld = false;
let dieBefore = "";
const { memory } = await openFaulty({
  directory,
  overrides: { lanes: { normal: { countMax: 5_000 } } },
  onWrite: (op) => {
    if (op === dieBefore) process.kill(process.pid, "SIGKILL");
    return areTextsHeld && op === "observations.putTexts" ? new Promise(() => {}) : undefined;
  },
});
const session = await memory.ingest.open({ space: SPACE, dims: DIMS, session: "p", credits: 100_000 });

/** Accepts all up to a number; waits for what the log says, when it says nothing good. */
async function send(to: number, words: boolean): Promise<void> {
  const metaOf = (n: number) => ({ id: `n${n}`, ...(words ? { text: `common word${n}` } : {}) });
  while (session.nextSeq <= to) {
    session.submit(batchOf(session.nextSeq, Math.min(COUNT, to - session.nextSeq + 1), { metaOf }));
    await turn();
  }
  const { ingest } = memory.ingest;
  const { logFailures } = ingest;
  while (session.watermarks.durable < to && ingest.logFailures <= logFailures) await turn();
}

async function follow(order: FaultOrder): Promise<void> {
  if (order.op === "send") await send(order.to, order.words ?? false);
  else if (order.op === "reach") await session.reached(order.mark);
  else if (order.op === "remove") await memory.ingest.remove(SPACE, order.ids);
  else if (order.op === "drop") void memory.removeSpace(SPACE).catch(() => {});
  else if (order.op === "die-before") dieBefore = order.write;
  else areTextsHeld = true;
}

process.stdout.write("ready\n");
for await (const line of createInterface({ input: process.stdin })) {
  const code = await follow(JSON.parse(line) as FaultOrder).then(
    () => "",
    (error) => MillraceError.from(error).code,
  );
  const live = await liveOf(memory).catch(() => 0);
  const failures = memory.ingest.ingest.logFailures;
  process.stdout.write(`${JSON.stringify({ ...session.watermarks, code, live, failures })}\n`);
}
