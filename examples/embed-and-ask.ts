/** An engine inside this program: add two texts, ask, and see where the answer stands. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@millrace/client";
import { startServer } from "@millrace/server";

const directory = await mkdtemp(join(tmpdir(), "millrace-example-"));
const server = await startServer({ directory, port: 0 });
const client = createClient({ url: server.url });
const notes = client.space("notes");

// waitMs: the answer comes when everything is stored and can be found.
await notes.add(
  [
    {
      source: "garden.md",
      text: "# Garden\n\nTomatoes want six hours of sun and water at the roots, never on the leaves.",
    },
    { source: "office.md", text: "# Office\n\nThe printer on the second floor jams when the paper is damp." },
  ],
  { waitMs: 30_000 },
);

const { results } = await notes.recall("how do I water tomatoes?");
for (const { source, headings, text, score } of results) {
  console.log(`${score.toFixed(2)}  ${source} › ${headings.join(" › ")}`);
  console.log(`      ${text.replaceAll(/\s+/g, " ")}`);
}

client.close();
await server.close();
await rm(directory, { recursive: true });
