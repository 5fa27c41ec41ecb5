import { type Browser, chromium, type Page } from "playwright-core";
import { CHROMIUM_ARGUMENTS, findChromium } from "../../scripts/chromium.ts";
import { LIMIT_MS } from "./until.ts";

export type TestPage = { readonly page: Page; readonly problems: string[] } & AsyncDisposable;

/** Whether a browser is on this machine; `npm test` installs one where it may. */
export const hasChromium = findChromium() !== undefined;

export async function launchBrowser(): Promise<Browser> {
  const executablePath = findChromium();
  if (!executablePath) throw new Error("no Chromium: install it or set MILLRACE_CHROMIUM");
  return chromium.launch({ executablePath, args: CHROMIUM_ARGUMENTS });
}

/** A page of its own, with everything that went wrong on it: console errors, thrown errors, refused loads. */
export async function openPage(browser: Browser, colorScheme: "light" | "dark" = "light"): Promise<TestPage> {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    colorScheme,
    reducedMotion: "reduce",
  });
  context.setDefaultTimeout(LIMIT_MS);
  const page = await context.newPage();
  const problems: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(error.message));
  return { page, problems, [Symbol.asyncDispose]: () => context.close() };
}
