/**
 * The `eventsource` package as a program of its own, in JavaScript: under the `source` condition its name stands for sources that Node does
 * not strip and our compiler options refuse. Prints one JSON array a line: `["open"]`, `["frame", lastEventId, data]`, `["gap", data]`, `["error", readyState]`.
 */
import { EventSource } from "eventsource";

const source = new EventSource(process.argv[2] ?? "");
const say = (...words) => process.stdout.write(`${JSON.stringify(words)}\n`);
source.addEventListener("open", () => say("open"));
for (const type of ["frame", "gap"]) {
  source.addEventListener(type, ({ lastEventId, data }) => say(type, lastEventId, data));
}
source.addEventListener("error", () => say("error", source.readyState));
