import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { BREAD, DOCS, ESCAPE, folder, MUSEUM, RunningCommand, runCommand, serve } from "./command.ts";

type Added = {
  documents: number;
  chunks: number;
  bytes: number;
  unchanged: number;
  tookMs: number;
  job: string | null;
  jobs: string[];
  errors: { source: string; code: string; message: string }[];
  interrupted?: boolean;
  open?: number;
};
const parse = (out: string) => JSON.parse(out) as Added;

test("a directory is added: what can be read is stored, each refusal is an error of its own, and --json is one object", async () => {
  using place = folder(DOCS);
  const { code, out } = await runCommand(["add", "docs", "missing.md", "--space", "docs", "--json"], {
    cwd: place.path,
  });
  assert.equal(out.trim().split("\n").length, 1);
  const added = parse(out);
  assert.equal(added.documents, 3);
  assert.equal(added.unchanged, 0);
  assert.ok(added.chunks >= 3);
  assert.ok(added.bytes >= BREAD.length + MUSEUM.length);
  assert.ok(added.tookMs >= 0);
  assert.deepEqual(added.errors.map(({ source, code }) => [source, code]).sort(), [
    ["docs/logo.png", "unsupported_type"],
    ["missing.md", "not_found"],
  ]);
  assert.match(
    added.errors.find(({ source }) => source === "missing.md")?.message ?? "",
    /does not exist; check the path/,
  );
  assert.deepEqual(added.jobs, [added.job]);
  assert.equal(code, 1);

  const again = await runCommand(["add", "./docs/", "--space", "docs", "--json"], { cwd: place.path });
  assert.equal(parse(again.out).documents, 3);
  assert.equal(parse(again.out).unchanged, 3, "the same files named otherwise are the same sources");
});

test("the summary names every error with what to do, and asks on", async () => {
  using place = folder(DOCS);
  const { code, out, err } = await runCommand(["add", "docs"], { cwd: place.path });
  assert.equal(code, 1);
  assert.match(out, /✓ 3 documents in space default/);
  assert.match(out, /✗ 1 source could not be added/);
  assert.match(out, /unsupported_type · turn it into HTML, PDF, Markdown or plain text/);
  assert.match(out, /docs\/logo\.png is a PNG image/);
  assert.match(out, /Ask: .* recall "…"/);
  assert.ok(!(out + err).includes(ESCAPE));
});

test("everything stored exits with 0; two directories do not collide", async () => {
  using place = folder({ "a/read.md": "# One\n\nThe first text.", "b/read.md": "# Two\n\nThe second text." });
  const { code, out } = await runCommand(["add", "a", "b", "a/read.md", "--json"], { cwd: place.path });
  assert.equal(code, 0);
  assert.equal(parse(out).documents, 2);
});

test("only paths that are not there: errors, no engine, no data directory", async () => {
  using place = folder();
  const { code, out } = await runCommand(["add", "nowhere", "--json"], { cwd: place.path });
  assert.equal(code, 1);
  const added = parse(out);
  assert.equal(added.job, null);
  assert.deepEqual(
    added.errors.map(({ source }) => source),
    ["nowhere"],
  );
});

test("stdin is added under the name given", async () => {
  using place = folder();
  const options = { cwd: place.path, input: "# Tide\n\nThe tide turns twice a day." };
  assert.equal(parse((await runCommand(["add", "-", "--source", "tide.md", "--json"], options)).out).documents, 1);
  const asked = await runCommand(["recall", "tide", "--json"], { cwd: place.path });
  assert.equal(JSON.parse(asked.out).results[0].source, "tide.md");
  const wrong = await runCommand(["add", "x.md", "--source", "tide.md"], { cwd: place.path });
  assert.match(wrong.err, /--source names what is read from stdin/);
});

test("pages are fetched; a private address only when it is allowed", async () => {
  const site = createServer((_, response) => response.setHeader("content-type", "text/html").end(BREAD));
  await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(site.address() as AddressInfo).port}/bread`;
  using place = folder();
  try {
    const refused = parse((await runCommand(["add", url, "--json"], { cwd: place.path })).out);
    assert.deepEqual([refused.documents, refused.errors[0]?.code], [0, "blocked_address"]);
    const allowed = await runCommand(["add", url, "--allow-address", "127.0.0.1", "--json"], { cwd: place.path });
    assert.deepEqual([parse(allowed.out).documents, allowed.code], [1, 0]);
  } finally {
    site.close();
    site.closeAllConnections();
  }
});

test("a page that robots.txt forbids is added when that is insisted on, by the engine opened for it alone", async () => {
  const site = createServer((request, response) => {
    if (request.url === "/robots.txt") return void response.end("User-agent: *\nDisallow: /secret\n");
    response.setHeader("content-type", "text/html").end(BREAD);
  });
  await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(site.address() as AddressInfo).port}/secret`;
  using place = folder();
  const add = ["add", url, "--allow-address", "127.0.0.1", "--json"];
  try {
    const refused = await runCommand(add, { cwd: place.path });
    assert.deepEqual([parse(refused.out).errors[0]?.code, refused.code], ["robots_disallowed", 1]);
    const insisted = await runCommand([...add, "--ignore-robots"], { cwd: place.path });
    assert.deepEqual([parse(insisted.out).documents, insisted.code], [1, 0]);
    const running = ["add", url, "--ignore-robots", "--url", "http://127.0.0.1:9"];
    const wrong = await runCommand(running, { cwd: place.path });
    assert.match(wrong.err, /--ignore-robots is for the engine that add opens itself.*leave out --url/);
    assert.notEqual(wrong.code, 0);
  } finally {
    site.close();
    site.closeAllConnections();
  }
});

test("Ctrl-C ends the job as interrupted, says how to go on, and going on finishes it", async () => {
  let isOpen = false;
  let hung = () => {};
  const reached = new Promise<void>((resolve) => {
    hung = resolve;
  });
  const site = createServer((_, response) => {
    if (isOpen) response.setHeader("content-type", "text/html").end(BREAD);
    else hung();
  });
  await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(site.address() as AddressInfo).port}/slow`;
  using place = folder(DOCS);
  try {
    await using served = await serve(place.path, ["--allow-address", "127.0.0.1"]);
    const reach = ["--url", served.url];
    await using adding = new RunningCommand(["add", url, ...reach], { cwd: place.path });
    await reached;
    adding.interrupt();
    const stopped = await adding.finished;
    assert.equal(stopped.code, 130);
    const job = /add --resume (\S+) --url/.exec(stopped.out)?.[1] ?? "";
    const shown = await runCommand(["jobs", "show", job, "--json", ...reach], { cwd: place.path });
    assert.deepEqual([JSON.parse(shown.out).state, JSON.parse(shown.out).open], ["interrupted", 1]);
    const said = await runCommand(["jobs", "show", job, ...reach], { cwd: place.path });
    assert.match(said.out, /go on with: .* jobs resume \S+ --url http/);
    isOpen = true;
    site.closeAllConnections();
    const resumed = await runCommand(["jobs", "resume", job, "--json", ...reach], { cwd: place.path });
    assert.deepEqual([parse(resumed.out).documents, resumed.code], [1, 0]);
    const twice = await runCommand(["add", "--resume", job, ...reach], { cwd: place.path });
    assert.match(twice.err, /\(conflict\)/);
    assert.equal(twice.code, 1);
  } finally {
    site.close();
    site.closeAllConnections();
  }
});

test("uploads that were never received are read from their paths when the job is resumed", async () => {
  using place = folder(DOCS);
  await using served = await serve(place.path);
  const { createClient } = await import("@millrace/client");
  const client = createClient({ url: served.url });
  const announced = ["docs/museum.txt", "docs/bread.html", "docs/gone.md"];
  const { job } = await client.space("docs").add(announced.map((source) => ({ source, upload: true as const })));
  await client.job(job).cancel();
  const { code, out } = await runCommand(["add", "--resume", job, "--url", served.url, "--json"], { cwd: place.path });
  const resumed = parse(out);
  assert.equal(resumed.documents, 2);
  assert.deepEqual(
    resumed.errors.map(({ source, code }) => [source, code]),
    [["docs/gone.md", "not_found"]],
  );
  assert.equal(code, 1);
  const jobs = await runCommand(["jobs", "--url", served.url, "--json"], { cwd: place.path });
  assert.ok((JSON.parse(jobs.out).jobs as { state: string }[]).every(({ state }) => state !== "running"));
  client.close();
});

test("a file that cannot be read when its turn comes is withdrawn: the job goes on without it and ends as done", async () => {
  using place = folder(DOCS);
  await using served = await serve(place.path);
  const { createClient } = await import("@millrace/client");
  const client = createClient({ url: served.url });
  const announced = ["docs/gone.md", "docs/museum.txt"].map((source) => ({ source, upload: true as const }));
  const { job } = await client.space("docs").add(announced);
  await client.job(job).cancel();
  const { out } = await runCommand(["add", "--resume", job, "--url", served.url, "--json"], { cwd: place.path });
  assert.deepEqual(
    parse(out).errors.map(({ source, code }) => [source, code]),
    [["docs/gone.md", "not_found"]],
  );
  const [resumed] = parse(out).jobs;
  const { state, stored, failed, open } = await client.job(resumed ?? "").get();
  assert.deepEqual([state, stored, failed, open], ["done", 1, 1, 0]);
  client.close();
});
