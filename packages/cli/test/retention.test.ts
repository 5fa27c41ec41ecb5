import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { createClient, type Frame, type StreamRetention, type VerifyReport } from "@millrace/client";
import { CuttingRelay } from "../../../test/support/cutting-relay.ts";
import { until } from "../../../test/support/until.ts";
import { folder, RunningCommand, runCommand, serve } from "./command.ts";

const said = (count: number, text = "") =>
  Array.from({ length: count }, (_, n) => ({ type: "x.said", id: `m${n}`, data: { n, text } }));

const seqsIn = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => (JSON.parse(line) as Frame).seq as number);

test("streams retain sets, shows and takes back what is kept; streams delete deletes", async () => {
  using place = folder();
  const { path: cwd } = place;
  await using served = await serve(cwd, ["--max-frames", "400"]);
  const client = createClient({ url: served.url });
  await client.stream("chat").append(said(800));
  const streams = (...args: string[]) => runCommand(["streams", ...args, "--url", served.url], { cwd });
  const state = async (...args: string[]) =>
    JSON.parse((await streams("retain", "chat", "--json", ...args)).out) as StreamRetention;

  const set = await state("--max-age", "7d", "--max-bytes", "100MB", "--max-frames", "100");
  assert.deepEqual(set.policy, { maxAgeMs: 604_800_000, maxBytes: 104_857_600, maxFrames: 100 });
  assert.deepEqual([set.first, set.frames], [701, 100]);
  const shown = await streams("retain", "chat");
  assert.match(
    shown.out,
    /^chat keeps at most 7 d, 100 MB, 100 frames \(its own policy\); it holds 100 frames, .* from \w+:701 on\n$/,
  );
  assert.deepEqual((await state("--keep-all")).policy, {});
  await client.stream("chat").append(said(500));
  const back = await state("--default");
  assert.deepEqual([back.policy, back.isDefault, back.frames], [{ maxFrames: 400 }, true, 400]);

  const deleted = await streams("delete", "chat");
  assert.deepEqual([deleted.code, deleted.out], [0, "chat is deleted\n"]);
  assert.deepEqual(await client.streams.list({ prefix: "chat" }), []);
  const again = await streams("delete", "chat");
  assert.equal(again.code, 1);
  assert.match(again.err, /no stream is named chat/);
  client.close();
});

test("without --url the policy is kept in the data directory, and trimming is done when the command ends", async () => {
  using place = folder();
  const { path: cwd } = place;
  {
    await using served = await serve(cwd);
    const client = createClient({ url: served.url });
    await client.stream("chat").append(said(300));
    client.close();
    served.command.interrupt();
    await served.command.finished;
  }
  const { code } = await runCommand(["streams", "retain", "chat", "--max-frames", "30"], { cwd });
  assert.equal(code, 0);
  const { out } = await runCommand(["export", "chat"], { cwd });
  assert.deepEqual(
    seqsIn(out),
    Array.from({ length: 30 }, (_, at) => 271 + at),
  );
});

const wrong: readonly (readonly [readonly string[], RegExp])[] = [
  [["streams", "retian", "x"], /no action "retian"; did you mean retain\?/],
  [["streams", "retain"], /streams retain which\?/],
  [["streams", "retain", "x", "--max-age", "7"], /it must be a time such as 90m, 12h or 7d/],
  [["streams", "retain", "x", "--max-age", "0d"], /it must be a time/],
  [["streams", "retain", "x", "--max-frames", "0"], /must be a whole number from 1/],
  [["streams", "retain", "x", "--keep-all", "--default"], /say different things/],
  [["streams", "retain", "a b"], /a stream is named by/],
  [["export", "x", "--until", "7"], /is not <epoch>:<seq>/],
  [["verify", "--url", "http://127.0.0.1:1", "--data", "y"], /--url and --data are both given/],
];
for (const [args, message] of wrong) {
  test(`wrong usage is said with its fix: ${args.join(" ")}`, async () => {
    using place = folder();
    const { code, err } = await runCommand(args, { cwd: place.path });
    assert.match(err, message);
    assert.equal(code, 2);
  });
}

test("export writes a file that appears when it is complete, and goes on from where the last one ended", async () => {
  using place = folder();
  const { path: cwd } = place;
  await using served = await serve(cwd);
  const client = createClient({ url: served.url });
  await client.stream("chat").append(said(700));
  const run = (...args: string[]) => runCommand(["export", "chat", "--url", served.url, ...args], { cwd });
  writeFileSync(join(cwd, "chat.jsonl"), "what was there before");
  const first = JSON.parse((await run("--out", "chat.jsonl", "--json")).out) as { until: string; frames: number };
  assert.equal(first.frames, 700);
  assert.deepEqual(
    seqsIn(readFileSync(join(cwd, "chat.jsonl"), "utf8")),
    Array.from({ length: 700 }, (_, at) => at + 1),
  );
  await client.stream("chat").append(said(5));
  const more = await run("--after", first.until);
  assert.deepEqual(seqsIn(more.out), [701, 702, 703, 704, 705]);
  assert.match(more.err, /5 frames exported, from \w+:700 to \w+:705; go on later with --after \w+:705\n/);
  client.close();
});

test("an export that cannot be finished leaves neither a file nor a part of one, and what was there stays", async () => {
  using place = folder();
  const { path: cwd } = place;
  await using served = await serve(cwd);
  const client = createClient({ url: served.url });
  for (let sent = 0; sent < 30; sent++) await client.stream("chat").append(said(100, "x".repeat(20_000)));
  writeFileSync(join(cwd, "chat.jsonl"), "before");
  // What comes through is held in the middle of the export, so that it cannot end before it is interrupted.
  await using relay = await CuttingRelay.start(served.url);
  relay.nextStop = () => 1_000_000;
  const args = ["export", "chat", "--out", "chat.jsonl", "--url", relay.url];
  await using exporting = new RunningCommand(args, { cwd });
  await until(() => readdirSync(cwd).some((name) => name.endsWith(".part")));
  exporting.interrupt();
  const { code } = await exporting.finished;
  assert.equal(code, 130);
  assert.equal(readFileSync(join(cwd, "chat.jsonl"), "utf8"), "before");
  assert.deepEqual(
    readdirSync(cwd).filter((name) => name.endsWith(".part")),
    [],
  );
  const nowhere = await runCommand(["export", "chat", "--out", "no/such/folder.jsonl", "--url", served.url], { cwd });
  assert.equal(nowhere.code, 1);
  assert.match(nowhere.err, /no\/such\/folder\.jsonl cannot be written/);
  const unknown = await runCommand(["export", "nobody", "--out", "nobody.jsonl", "--url", served.url], { cwd });
  assert.match(unknown.err, /no stream is named nobody/);
  assert.ok(!existsSync(join(cwd, "nobody.jsonl")));
  client.close();
});

test("verify looks at a store with an engine running on it and without, and its exit code tells what it found", async () => {
  using place = folder();
  const { path: cwd } = place;
  {
    await using served = await serve(cwd);
    const client = createClient({ url: served.url });
    await client.stream("chat").append(said(50));
    client.close();
    for (const args of [["verify"], ["verify", "--url", served.url]]) {
      const { code, out } = await runCommand(args, { cwd });
      assert.equal(code, 0);
      assert.match(out, /^The store is sound: 1 stream, 50 frames \(.*\), 0 entities looked at in .*\.\n$/);
    }
    served.command.interrupt();
    await served.command.finished;
  }
  const db = new DatabaseSync(join(cwd, ".millrace/millrace.db"));
  db.exec("DELETE FROM frames WHERE seq = 20");
  db.close();
  const broken = await runCommand(["verify"], { cwd });
  assert.equal(broken.code, 1);
  assert.match(broken.out, /✗ seq chat at 20: frame 20 is missing\n/);
  const { code, out } = await runCommand(["verify", "--json"], { cwd });
  const report = JSON.parse(out) as VerifyReport;
  assert.equal(code, 1);
  assert.equal(report.isSound, false);
  assert.ok(report.findings.some(({ check, stream, seq }) => check === "seq" && stream === "chat" && seq === 20));
  const empty = await runCommand(["verify", "--data", "nothing-here"], { cwd });
  assert.equal(empty.code, 1);
  assert.match(empty.err, /there is no store in nothing-here/);
});
