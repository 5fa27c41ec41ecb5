/** Appends one record for each line that it reads, and says what became of it. Argument: directory. */
import { createInterface } from "node:readline";
import { MillraceError } from "@millrace/core";
import { ObservationLog } from "../../../src/observations/log/observation-log.ts";
import { observations } from "./fixture.ts";

const [directory = ""] = process.argv.slice(2);
const log = await ObservationLog.open({ directory });
process.stdout.write("open\n");
for await (const line of createInterface({ input: process.stdin })) {
  const outcome = await log.append([observations({ firstRow: Number(line), count: 8, dims: 1_000 })]).then(
    () => "kept",
    (error) => MillraceError.from(error).code,
  );
  process.stdout.write(`${outcome}\n`);
}
await log.close();
