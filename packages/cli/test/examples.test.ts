import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

const root = join(import.meta.dirname, "../../..");
const runFile = promisify(execFile);

/** What each prints, in order. */
const EXPECTED: Readonly<Record<string, readonly RegExp[]>> = {
  "embed-and-ask.ts": [/^\d\.\d\d {2}garden\.md › Garden$/m, /water at the roots/],
  "follow-a-job.ts": [/^failed {2}planets\/map\.png: unsupported_type$/m, /^job\.done: 8 of 9 stored\n$/m],
  "observe-and-recall.ts": [/^\d\.\d\d {2}The wheel squeaks/m, /^ {6}similarity \d\.\d\d$/m, /^x\n$/m],
  "write-an-answer.ts": [/^The wheel turns the stone\.\n6 frames, safe up to 6\n$/],
  "append-and-resume.ts": [
    /^sent again: 0 accepted, 2 already there\nfirst reader {3}1 .*\nfirst reader {3}2 .*\nsecond reader {2}3 .*\nsecond reader {2}4 .*\n$/,
  ],
};

test("every example has an expectation", () => {
  assert.deepEqual(globSync("*.ts", { cwd: join(root, "examples") }).sort(), Object.keys(EXPECTED).sort());
});

for (const [name, patterns] of Object.entries(EXPECTED)) {
  test(`examples/${name} runs and ends by itself`, async () => {
    const { stdout } = await runFile(process.execPath, ["--conditions=source", join("examples", name)], { cwd: root });
    for (const pattern of patterns) assert.match(stdout, pattern);
  });
}
