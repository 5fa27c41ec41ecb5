import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Browser } from "playwright-core";
import { openSite, pageOf, type Site, startReader } from "../packages/server/test/extract/extract-site.ts";
import { hasChromium, launchBrowser, openPage } from "./support/browser.ts";
import type { TestEngine } from "./support/engine.ts";

describe("the Extract page in Chromium", { skip: hasChromium ? false : "no Chromium on this machine" }, () => {
  let browser: Browser;
  let engine: TestEngine;
  let site: Site;
  before(async () => {
    browser = await launchBrowser();
    engine = await startReader();
    site = await openSite((path) => (path === "/mill" ? pageOf("The old mill") : undefined));
  });
  after(async () => {
    await browser.close();
    await engine[Symbol.asyncDispose]();
    await site[Symbol.asyncDispose]();
  });

  test("a page is read by its address, which the page's own address keeps; its Markdown and metadata are a click away", async () => {
    await using open = await openPage(browser);
    const { page, problems } = open;
    await page.goto(`${engine.server.url}/#/overview`);
    await page.getByTestId("nav-extract").click();
    await page.getByTestId("extract-url").fill(`${site.url}/mill`);
    await page.getByTestId("extract-submit").click();
    const result = page.getByTestId("extract-result");
    await result.getByText("The old mill").waitFor();
    await result.getByText("Quality").waitFor();
    await page.getByRole("radio", { name: "markdown" }).check();
    await page.locator("pre", { hasText: "# The old mill" }).waitFor();
    await page.getByRole("radio", { name: "metadata" }).nth(1).check();
    await page.getByText("text/html", { exact: true }).waitFor();
    await page.reload();
    await page.getByTestId("extract-result").getByText("The old mill").waitFor();
    await page.goto(`${engine.server.url}/#/overview`);
    const read = page.getByTestId("extract").locator(".figure", { hasText: "Read" }).locator("dd").first();
    await page.waitForFunction((element) => Number(element?.textContent) >= 2, await read.elementHandle());
    assert.deepEqual(problems, []);
  });

  test("pasted HTML is read, and what cannot be read says why", async () => {
    await using open = await openPage(browser);
    const { page } = open;
    await page.goto(`${engine.server.url}/#/extract`);
    await page.getByRole("radio", { name: "HTML" }).check();
    await page.getByTestId("extract-html").fill(pageOf("Pasted"));
    await page.getByTestId("extract-submit").click();
    await page.getByTestId("extract-result").getByText("Pasted").waitFor();
    await page.goto(`${engine.server.url}/#/extract?url=${encodeURIComponent(`${site.url}/missing`)}&mode=full`);
    await page.getByTestId("error").getByText("fetch_failed").waitFor();
  });
});
