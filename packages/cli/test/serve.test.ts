import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { createClient } from "@millrace/client";
import { freezeStore } from "../../../test/support/freeze-store.ts";
import { DOCS, folder, RunningCommand, runCommand, serve } from "./command.ts";

test("serve says where the dashboard is and what to do next, and drains at SIGTERM", async () => {
  using place = folder();
  await using serving = new RunningCommand(["serve", "--port", "0"], { cwd: place.path });
  const [, port] = await serving.printed(/Dashboard +http:\/\/localhost:(\d+)/);
  await serving.printed(/Ctrl-C stops it/);
  assert.match(serving.out, new RegExp(`add +.* add \\./docs --url http://127\\.0\\.0\\.1:${port}`));
  assert.match(serving.out, /ask +.* recall "/);
  assert.match(await (await fetch(`http://127.0.0.1:${port}/livez`)).text(), /ok/);
  serving.interrupt("SIGTERM");
  const { code, out } = await serving.finished;
  assert.match(out, /Stopped cleanly in .*; no job was left open\.\n$/);
  assert.equal(code, 0);
});

test("with --json serve prints one line when it serves and one when it has drained", async () => {
  using place = folder();
  await using served = await serve(place.path, ["--data", "data"]);
  served.command.interrupt();
  const { code, out } = await served.command.finished;
  const [first, last] = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual([first.event, first.url, first.data], ["serving", served.url, "data"]);
  assert.deepEqual([last.event, last.isComplete, last.jobsLeft], ["drained", true, 0]);
  assert.equal(code, 0);
});

test("a port that is taken is port_in_use, and the data directory stays free", async () => {
  using place = folder();
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const port = String((other.address() as AddressInfo).port);
  const { code, err } = await runCommand(["serve", "--port", port], { cwd: place.path });
  other.close();
  assert.match(err, new RegExp(`^error: port ${port} is in use .* --port .*\\(port_in_use\\)`));
  assert.equal(code, 1);
});

test("a data directory that an engine holds is data_in_use for serve and for embedded commands, which then work with --url", async () => {
  using place = folder(DOCS);
  await using served = await serve(place.path);
  const second = await runCommand(["serve", "--port", "0"], { cwd: place.path });
  assert.match(second.err, /^error: another process has .* open.*--url.*\(data_in_use\)/);
  const embedded = await runCommand(["add", "docs"], { cwd: place.path });
  assert.match(embedded.err, /\(data_in_use\)/);
  assert.equal(embedded.code, 1);
  const added = await runCommand(["add", "docs/museum.txt", "--json"], {
    cwd: place.path,
    env: { MILLRACE_URL: served.url },
  });
  assert.deepEqual([JSON.parse(added.out).documents, added.code], [1, 0]);
  const asked = await runCommand(["recall", "museum", "--url", served.url, "--json"], { cwd: place.path });
  assert.equal(JSON.parse(asked.out).results[0].source, "docs/museum.txt");
});

test("data of a newer version is refused, untouched", async () => {
  using place = folder(DOCS);
  await runCommand(["add", "docs"], { cwd: place.path });
  const db = new DatabaseSync(join(place.path, ".millrace", "millrace.db"));
  db.exec("UPDATE schema_versions SET version = 99 WHERE module = 'log'");
  db.close();
  for (const args of [
    ["recall", "museum"],
    ["serve", "--port", "0"],
  ]) {
    const { code, err } = await runCommand(args, { cwd: place.path });
    assert.match(err, /^error: .*"log" in version 99.*\(data_too_new\)\n {2}fix: install the newer Millrace/);
    assert.equal(code, 1);
  }
});

for (const [mode, seen] of [
  ["strict", 1],
  ["relaxed", 2],
] as const) {
  test(`serve --stream-mode ${mode}: while the disk does not answer, readers see ${seen} of 2 frames`, async () => {
    using place = folder();
    await using served = await serve(place.path, ["--stream-mode", mode]);
    const append = async (ack: string) => {
      const body = JSON.stringify({ ack, events: [{ type: "message", data: { text: "hello" } }] });
      const headers = { "content-type": "application/json" };
      return fetch(`${served.url}/v1/streams/chat/events`, { method: "POST", headers, body });
    };
    assert.equal((await append("durable")).status, 200);
    using _frozen = freezeStore(join(place.path, ".millrace"));
    assert.equal((await append("accepted")).status, 200);
    const { streams } = await createClient({ url: served.url }).overview();
    assert.equal(1 + streams.durableLag.sum, seen);
  });
}

test("serve --profile names how observations are taken in; one that does not exist is refused with those that do", async () => {
  using place = folder();
  await using served = await serve(place.path, ["--profile", "edge", "--throughput-target", "5000"]);
  const { ingest } = await createClient({ url: served.url }).overview();
  assert.equal(ingest.profile, "edge");
  assert.deepEqual(
    ingest.lanes.map(({ limit }) => limit),
    [250, 2_500, 1_000],
  );
  const unknown = await runCommand(["serve", "--profile", "low-latncy"], { cwd: place.path });
  assert.match(
    unknown.err,
    /--profile is "low-latncy"; it must be production, low-latency, .*, edge; did you mean low-latency\?/,
  );
  assert.equal(unknown.code, 2);
  const env = { MILLRACE_PROFILE: "fast" };
  const fromVariable = await runCommand(["serve"], { cwd: place.path, env });
  assert.match(fromVariable.err, /MILLRACE_PROFILE is "fast"; it must be production, .*\(invalid_argument\)/);
});

test("a stream mode that does not exist is refused with the nearest one that does", async () => {
  using place = folder();
  const { code, err } = await runCommand(["serve", "--stream-mode", "strickt"], { cwd: place.path });
  assert.match(err, /--stream-mode is "strickt"; it must be relaxed, strict; did you mean strict\?/);
  assert.equal(code, 2);
  const misspelt = await runCommand(["serve", "--stream-mod", "strict"], { cwd: place.path });
  assert.match(misspelt.err, /did you mean --stream-mode\?/);
  const { out } = await runCommand(["serve", "--help"], { cwd: place.path });
  assert.match(out, /--stream-mode MODE/);
});
