import assert from "node:assert/strict";
import { Agent, createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { timeEvents } from "../../extract/first-event.ts";
import { startPageServer } from "../../extract/page-server.ts";

async function ask(answer: RequestListener) {
  const server = createServer(answer);
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const agent = new Agent({ keepAlive: true });
  try {
    const { port } = server.address() as AddressInfo;
    const calledMs = performance.now();
    const times = await timeEvents(`http://127.0.0.1:${port}`, "https://a.example/", agent);
    return { ...times, calledMs };
  } finally {
    agent.destroy();
    server.close();
    server.closeAllConnections();
  }
}

const event = (type: string, more = "") => `id: e:1\nevent: frame\ndata: {"type":"${type}"${more}}\n\n`;

test("the first event is timed apart from the result, and a comment is no event", async () => {
  const sentMs = { first: 0, result: 0 };
  const times = await ask(async (request, response) => {
    if (request.method === "GET") return void response.end();
    const round = () => fetch(`http://${request.headers.host}/`).then((answer) => answer.text());
    // Each piece has long been read when a whole other request has been answered in the same process.
    response.write(":\n\n");
    await round();
    sentMs.first = performance.now();
    response.write(event("extract.start"));
    await round();
    sentMs.result = performance.now();
    response.end(event("extract.result", ',"document":{"cache":{"hit":true,"layer":"disk"}}'));
  });
  const { calledMs, firstEventMs, resultMs } = times;
  // To a millisecond: the call begins its clock a moment after it is called.
  assert.ok(calledMs + firstEventMs > sentMs.first - 1, "a comment was taken for an event");
  assert.ok(calledMs + resultMs > sentMs.result - 1 && firstEventMs < resultMs, JSON.stringify({ ...times, sentMs }));
  assert.equal(times.layer, "disk");
});

test("a stream that ends without a result is refused with what it said", async () => {
  const refused = ask((request, response) => {
    request.resume().once("end", () => response.end(event("extract.error", ',"code":"robots_disallowed"')));
  });
  await assert.rejects(refused, { code: "fetch_failed", message: /robots_disallowed/ });
});

test("pages stand on origins of their own and are as large as was asked for", async () => {
  await using pages = await startPageServer({ bytes: 5_000 });
  const [one, other] = [pages.urlOf(0), pages.urlOf(1)];
  assert.notEqual(new URL(one).host, new URL(other).host);
  const texts = await Promise.all([one, other].map(async (url) => await (await fetch(url)).text()));
  assert.deepEqual(
    texts.map(({ length }) => length),
    [5_000, 5_000],
  );
  assert.notEqual(texts[0], texts[1]);
  assert.equal((await fetch(new URL("/robots.txt", one))).status, 404);
});
