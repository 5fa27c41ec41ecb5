/**
 * Takes the pictures of the README: starts an engine, adds documentation that the development packages carry, asks, and photographs the
 * dashboard. `npm run screenshots`.
 */
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@millrace/client";
import { startServer } from "@millrace/server";
import { chromium, type Page } from "playwright-core";
import { CHROMIUM_ARGUMENTS, ensureChromium } from "./chromium.ts";

const root = join(import.meta.dirname, "..");
const out = join(root, "docs/images");
const PACKAGES = "{undici,marked,typebox,fast-check,htmlparser2,ws,assemblyscript,playwright-core}";
const QUESTION = "how do I send requests through a proxy";

const executablePath = ensureChromium();
if (!executablePath) process.exit(1);
mkdirSync(out, { recursive: true });
const directory = mkdtempSync(join(tmpdir(), "millrace-pictures-"));
const server = await startServer({ port: 0, directory });
const client = createClient({ url: server.url });
const browser = await chromium.launch({ executablePath, args: CHROMIUM_ARGUMENTS });
try {
  const files = globSync(`node_modules/${PACKAGES}/**/*.{md,html}`, { cwd: root }).slice(0, 150);
  const half = Math.ceil(files.length * 0.6);
  await add(files.slice(0, half));
  const open = async (theme: "light" | "dark", hash: string) => {
    const context = await browser.newContext({
      viewport: { width: 1440, height: 900 },
      colorScheme: theme,
      deviceScaleFactor: 1,
    });
    const page = await context.newPage();
    await page.goto(`${server.url}/${hash}`);
    return page;
  };
  const ask = `#/ask?space=docs&q=${encodeURIComponent(QUESTION)}`;
  for (const theme of ["light", "dark"] as const) {
    const page = await open(theme, ask);
    await page.getByTestId("result-card").first().waitFor();
    await shoot(page, `ask-${theme}`);
  }
  const [light, dark] = [await open("light", "#/overview"), await open("dark", "#/overview")];
  const adding = add(files.slice(half));
  for (let n = 0; n < 20; n++) await client.space("docs").recall(QUESTION);
  await light.waitForFunction(() => document.body.textContent?.includes("MB") === true);
  await adding;
  await light.waitForTimeout(1_200);
  await shoot(light, "overview-light");
  await shoot(dark, "overview-dark");
} finally {
  await browser.close();
  await client.close();
  await server.close();
  rmSync(directory, { recursive: true, force: true });
}

async function shoot(page: Page, name: string): Promise<void> {
  await page.waitForTimeout(400);
  await page.screenshot({ path: join(out, `${name}.png`) });
  console.log(`docs/images/${name}.png`);
}

async function add(files: readonly string[]): Promise<void> {
  const sources = files.map((source) => ({
    source: source.replace("node_modules/", ""),
    open: () => readFileSync(join(root, source)),
  }));
  let stream = "";
  for await (const event of client.space("docs").upload(sources)) if (event.kind === "job") stream = event.job.stream;
  for await (const { type } of client.stream(stream).subscribe()) if (/^job\.(done|error)$/.test(type)) return;
}
