import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { hasChromium, launchBrowser, openPage } from "./support/browser.ts";
import { startEngine, type TestEngine } from "./support/engine.ts";
import { freezeWriter } from "./support/freeze-threads.ts";
import { until } from "./support/until.ts";

const WEIR = `# Weirs\n\nA weir raises the level of a river so that a leat can lead water to the wheel.\n\n## Fish\n\nA pass beside the weir lets salmon climb past it in autumn.\n`;

/** Waits until the page shows it, and says what it shows when it does not. */
async function shows(page: Page, testId: string, text: RegExp): Promise<void> {
  const place = page.getByTestId(testId).filter({ hasText: text }).first();
  await place.waitFor().catch(async () => {
    const found = await page.getByTestId(testId).allTextContents();
    assert.fail(`${testId} shows ${JSON.stringify(found)}, not ${text}`);
  });
}

describe("the dashboard in Chromium", { skip: hasChromium ? false : "no Chromium on this machine" }, () => {
  let engine: TestEngine;
  let browser: Browser;
  before(async () => {
    engine = await startEngine();
    browser = await launchBrowser();
    await engine.client
      .space("rivers")
      .add([{ source: "weirs.md", text: WEIR, contentType: "text/markdown" }], { waitMs: 60_000 });
  });
  after(async () => {
    await browser?.close();
    await engine?.[Symbol.asyncDispose]();
  });

  test("a typed question is answered with the passage, its source and its highlights; a reload shows the same", async () => {
    await using open = await openPage(browser);
    const { page, problems } = open;
    await page.goto(`${engine.server.url}/#/ask`);
    await page.getByTestId("ask-input").fill("how do salmon get past a weir");
    await page.getByTestId("ask-submit").click();
    await shows(page, "result-card", /lets salmon climb past it/);
    await shows(page, "result-source", /weirs\.md/);
    assert.ok((await page.getByTestId("result-card").first().locator("mark").count()) > 0);
    await page.reload();
    await shows(page, "result-card", /lets salmon climb past it/);
    await page.getByTestId("result-open").first().click();
    await shows(page, "document-drawer", /raises the level of a river/);
    assert.deepEqual(problems, []);
  });

  test("a job's progress is seen live, and a reload in the middle of it loses nothing", async () => {
    await using open = await openPage(browser);
    const { page, problems } = open;
    const total = 6;
    const sources = Array.from({ length: total }, (_, n) => ({ source: `mill-${n}.txt`, upload: true as const }));
    const job = await engine.client.space("rivers").add(sources);
    const put = (index: number) =>
      engine.client
        .job(job.job)
        .putSource(index, new TextEncoder().encode(`Mill number ${index} grinds barley by the river Aisne.`));
    await page.goto(`${engine.server.url}/#/jobs/${job.job}`);
    await shows(page, "job-state", /running/i);
    for (const index of [0, 1, 2]) await put(index);
    await shows(page, "job-count", /^3 of 6/);
    await page.reload();
    await shows(page, "job-count", /^3 of 6/);
    for (const index of [3, 4, 5]) await put(index);
    await shows(page, "job-state", /done/i);
    await shows(page, "job-count", /^6 of 6/);
    const { head } = (await engine.client.streams.list({ prefix: job.stream }))[0] ?? { head: 0 };
    const isOpen = page.getByTestId("frame");
    await isOpen.nth(head - 1).waitFor();
    const seqs = await page.locator(".frame-seq").allTextContents();
    assert.deepEqual(
      seqs.map(Number),
      Array.from({ length: head }, (_, at) => head - at),
    );
    assert.deepEqual(problems, []);
  });

  test("the list of streams shows what each is doing: rates, readers, and what is kept", async () => {
    await using open = await openPage(browser);
    const { page, problems } = open;
    const stream = engine.client.stream("chat:busy");
    const over = new AbortController();
    const writing = (async () => {
      for (let n = 0; !over.signal.aborted; n++)
        await stream.append([{ type: "message", id: `m${n}`, data: { text: "hello" } }]);
    })();
    const reading = (async () => {
      for await (const _ of stream.subscribe({ signal: over.signal }));
    })();
    await stream.append([{ type: "message", id: "first", data: { text: "hello" } }]);
    await stream.retain({ maxAgeMs: 604_800_000, maxFrames: 5_000 });
    await page.goto(`${engine.server.url}/#/streams`);
    await shows(page, "stream-row", /chat:busy\s*[1-9].*7 d, 5,000 frames/s);
    const row = page.getByTestId("stream-row").filter({ hasText: "chat:busy" });
    let cells: string[] = [];
    await until(
      async () => {
        cells = await row.locator("td").allTextContents();
        const [eventsIn = "", framesOut = "", readers] = cells;
        return Number.parseFloat(eventsIn) > 0 && Number.parseFloat(framesOut) > 0 && readers === "1";
      },
      () => cells,
    );
    await shows(page, "stream-row", /space:rivers.*engine's own/s);
    await shows(page, "streams-flow", /Subscriptions\s*1/);
    over.abort();
    await Promise.all([writing, reading]);
    await shows(page, "stream-row", /chat:busy\s*0\s*0\s*0/);
    assert.deepEqual(problems, []);
  });

  test("a stream's page tells frames that are on disk from those that are not yet, and what was cut off", async () => {
    await using open = await openPage(browser);
    const { page, problems } = open;
    const stream = engine.client.stream("chat:marked");
    await stream.append([
      { type: "llm.start", id: "a", data: { model: "m" } },
      { type: "llm.delta", id: "a", data: { append: "A weir" } },
      { type: "interrupted", id: "a", data: { reason: "cancelled" } },
    ]);
    await page.goto(`${engine.server.url}/#/streams/chat:marked`);
    await shows(page, "frames-durable", /all on disk/);
    await shows(page, "frame", /interrupted\s*a was cut off: cancelled/);
    assert.equal(await page.locator('.frame[data-tone="warn"]').count(), 1);
    {
      using _frozen = await freezeWriter(engine.directory);
      await stream.append([{ type: "message", id: "u", data: { text: "and the fish?" } }], { ack: "accepted" });
      await shows(page, "frame", /and the fish/);
      await shows(page, "frames-durable", /1 not yet on disk/);
      await shows(page, "durable-mark", /on disk up to 3/);
      assert.equal(await page.locator(".frame[data-waiting]").count(), 1);
    }
    await shows(page, "frames-durable", /all on disk/);
    assert.equal(await page.getByTestId("durable-mark").count(), 0);
    assert.deepEqual(problems, []);
  });

  test("what is kept of a stream is changed and given back on its page; what is no bound is refused with an example", async () => {
    await using open = await openPage(browser);
    const { page } = open;
    const stream = engine.client.stream("chat:kept");
    await stream.append(Array.from({ length: 50 }, (_, n) => ({ type: "message", id: `m${n}`, data: { text: "x" } })));
    await page.goto(`${engine.server.url}/#/streams/chat:kept`);
    await shows(page, "retention", /Keeps everything · the engine's default/);
    await page.getByTestId("retention-edit").click();
    await page.getByTestId("retention-age").fill("7 moons");
    await page.getByTestId("retention-save").click();
    await shows(page, "error", /write for example 7d/);
    await page.getByTestId("retention-age").fill("7d");
    await page.getByTestId("retention-frames").fill("20");
    await page.getByTestId("retention-save").click();
    await shows(page, "retention", /Keeps 7 d, 20 frames · its own policy/);
    await shows(page, "stream-figures", /31 – 50/);
    assert.deepEqual((await stream.retention()).policy, { maxAgeMs: 604_800_000, maxFrames: 20 });
    await page.getByTestId("retention-edit").click();
    await page.getByTestId("retention-default").click();
    await shows(page, "retention", /Keeps everything · the engine's default/);
    assert.equal((await stream.retention()).isDefault, true);
  });

  test("the pipeline is drawn with what was measured, in light and in dark", async () => {
    for (const scheme of ["light", "dark"] as const) {
      await using open = await openPage(browser, scheme);
      const { page, problems } = open;
      await page.goto(`${engine.server.url}/`);
      await page.getByTestId("pipeline").waitFor();
      await shows(page, "pipeline", /chunks/);
      const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const first = await background();
      const isDark = /rgb\((\d+)/.exec(first)?.[1];
      assert.equal(Number(isDark) < 128, scheme === "dark", first);
      await page.getByTestId("theme-toggle").click();
      assert.notEqual(await background(), first);
      assert.deepEqual(problems, []);
    }
  });

  test("without a mouse: / focuses the question, Enter asks, and a telephone's width has no sideways scroll", async () => {
    await using open = await openPage(browser);
    const { page } = open;
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto(`${engine.server.url}/#/ask`);
    await page.getByTestId("ask-input").waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.press("/");
    await page.keyboard.type("level of a river");
    await page.keyboard.press("Enter");
    await shows(page, "result-card", /raises the level/);
    for (const view of ["overview", "ask", "jobs", "streams", "spaces"]) {
      await page.goto(`${engine.server.url}/#/${view}`);
      await page.getByTestId(`nav-${view}`).waitFor();
      const wider = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      assert.ok(wider <= 0, `${view} is ${wider} px too wide`);
    }
  });
});
