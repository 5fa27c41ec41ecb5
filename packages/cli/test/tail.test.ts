import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "@millrace/client";
import { DOCS, folder, RunningCommand, runCommand, serve } from "./command.ts";

test("tail follows, prints the cursor at Ctrl-C, and goes on from it without missing or repeating a frame", async () => {
  using place = folder();
  await using served = await serve(place.path);
  const client = createClient({ url: served.url });
  const chat = client.stream("chat");
  await chat.append([1, 2, 3].map((n) => ({ type: "x.said", id: `m${n}`, data: { n } })));

  await using first = new RunningCommand(["tail", "chat", "--url", served.url], { cwd: place.path });
  await first.printed(/x\.said +m3/);
  await chat.append([{ type: "x.said", id: "m4", data: { n: 4 } }]);
  await first.printed(/ +4 \d\d:\d\d:\d\d\.\d{3} x\.said +m4 \{"n":4\}/);
  first.interrupt();
  const stopped = await first.finished;
  assert.equal(stopped.code, 0);
  const cursor = /Go on with: .* tail chat --url \S+ --after (\w+:4)\n/.exec(stopped.err)?.[1] ?? "";

  await chat.append([5, 6].map((n) => ({ type: "x.said", id: `m${n}`, data: { n } })));
  const rest = await runCommand(["tail", "chat", "--after", cursor, "--limit", "2", "--json", "--url", served.url], {
    cwd: place.path,
  });
  const frames = rest.out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    frames.map(({ seq, id }) => [seq, id]),
    [
      [5, "m5"],
      [6, "m6"],
    ],
  );
  assert.equal(rest.code, 0);
  client.close();
});

test("the tail of a job ends with the job; without --url what is stored is shown", async () => {
  using place = folder(DOCS);
  const added = await runCommand(["add", "docs", "--json"], { cwd: place.path });
  const { job } = JSON.parse(added.out) as { job: string };
  const { code, out } = await runCommand(["tail", `job:${job}`], { cwd: place.path });
  assert.equal(code, 0);
  assert.match(out, /^ +1 .* job\.started/);
  assert.match(out, /document\.failed/);
  assert.match(out, /job\.done .*\n$/);
  const stored = await runCommand(["tail", "space:default", "--limit", "2", "--json"], { cwd: place.path });
  assert.equal(stored.out.trim().split("\n").length, 2);
});

test("a lost connection is said and opened again; the tail goes on where it was", async () => {
  using place = folder();
  let port = "";
  {
    await using served = await serve(place.path);
    port = new URL(served.url).port;
    const client = createClient({ url: served.url });
    await client.stream("chat").append([{ type: "x.said", id: "m1", data: 1 }]);
    client.close();
    served.command.interrupt();
    await served.command.finished;
  }
  await using tailing = new RunningCommand(["tail", "chat", "--url", `http://127.0.0.1:${port}`], { cwd: place.path });
  await tailing.printed(/trying again in/);
  await using again = new RunningCommand(["serve", "--port", port, "--json"], { cwd: place.path });
  await again.printed(/"serving"/);
  await tailing.printed(/ 1 \S+ x\.said +m1 1\n/);
  tailing.interrupt();
  assert.equal((await tailing.finished).code, 0);
});
