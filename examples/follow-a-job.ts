/** Many sources are one job, and a job is a stream: follow it live, to its end. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@millrace/client";
import { startServer } from "@millrace/server";

const directory = await mkdtemp(join(tmpdir(), "millrace-example-"));
const server = await startServer({ directory, port: 0 });
const client = createClient({ url: server.url });

const planets = ["Mercury", "Venus", "Earth", "Mars", "Jupiter", "Saturn", "Uranus", "Neptune"];
const sources = planets.map((name, at) => ({
  source: `planets/${name}.md`,
  text: `# ${name}\n\n${name} is planet number ${at + 1}, counted from the sun.`,
}));
// Not every source can be read; the others go on.
const job = await client
  .space("sky")
  .add([...sources, { source: "planets/map.png", text: "\u0089PNG\r\n\u001a\n\u0000" }]);

for await (const frame of client.stream(job.stream).subscribe()) {
  if (frame.type === "document.stored") {
    const { source, chunks, tookMs } = frame.data as { source: string; chunks: number; tookMs: number };
    console.log(`stored  ${source}: ${chunks} passage(s) in ${tookMs.toFixed(0)} ms`);
  } else if (frame.type === "document.failed") {
    const { source, error } = frame.data as { source: string; error: { code: string } };
    console.log(`failed  ${source}: ${error.code}`);
  } else if (frame.type === "job.done" || frame.type === "job.error" || frame.type === "job.interrupted") {
    const { stored, total } = frame.data as { stored: number; total: number };
    console.log(`${frame.type}: ${stored} of ${total} stored`);
    break;
  }
}

client.close();
await server.close();
await rm(directory, { recursive: true });
