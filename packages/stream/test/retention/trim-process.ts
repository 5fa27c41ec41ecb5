/**
 * Appends to a stream and trims it until it is killed; says so after every acknowledged append and every step of trimming. With a number as
 * its second argument it kills itself after so many steps, before the next one can be asked for.
 */
import { openStorage, Retention, retentionModuleUrl, Sequencer } from "@millrace/stream";
import { STREAM } from "../fixture.ts";

const storage = await openStorage({ directory: process.argv[2] ?? "", modules: [retentionModuleUrl] });
const sequencer = new Sequencer({ storage });
const events = Array.from({ length: 1_000 }, (_, n) => ({ type: "log", data: { n, text: "x".repeat(200) } }));

/** A write of the pipe, not a buffered line: what was said must not be more than what was done. */
const say = (text: string) => new Promise<void>((resolve) => process.stdout.write(`${text}\n`, () => resolve()));

const stepsMax = Number(process.argv[3] ?? Number.POSITIVE_INFINITY);
let steps = 0;

const told = {
  remove: sequencer.remove.bind(sequencer),
  trimmed(stream: typeof STREAM, first: number) {
    if (++steps === stepsMax) process.kill(process.pid, "SIGKILL");
    sequencer.trimmed(stream, first);
    void say(`first ${first}`);
  },
};
const retention = new Retention({ storage, sequencer: told });

for (;;) {
  for (let batch = 0; batch < 8; batch++) {
    const { lastSeq } = await sequencer.append(STREAM, events);
    await say(`head ${lastSeq}`);
  }
  const appending = sequencer.append(STREAM, events).then(({ lastSeq }) => say(`head ${lastSeq}`));
  await retention.set(STREAM, { maxFrames: 700 });
  await appending;
}
