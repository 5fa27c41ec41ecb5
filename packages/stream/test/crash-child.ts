/** Appends, freezes the disk, appends more that a follower sees, says so, and waits to be killed. Arguments: directory, kept, lost. */
import { CollectingSink, events, openLog, STREAM } from "./fixture.ts";
import { freeze, freezeModuleUrl } from "./frozen-disk.ts";

const [directory = "", kept = "0", lost = "0"] = process.argv.slice(2);
const log = await openLog({ directory, modules: [freezeModuleUrl] });
const sink = new CollectingSink();
await log.follow(sink);
for (let n = 0; n < Number(kept); n++) await log.sequencer.append(STREAM, events(1, n));
freeze(log.storage);
for (let n = 0; n < Number(lost); n++) void log.sequencer.submit(STREAM, events(1, -1 - n));
await sink.reached(Number(kept) + Number(lost));
process.stdout.write(`${JSON.stringify({ epoch: sink.started?.epoch, seen: sink.seqs.length })}\n`);
setInterval(() => {}, 1_000);
