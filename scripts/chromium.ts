/** Where Chromium is for the browser tests, installing Debian's package when it is missing and that is possible. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome", "/snap/bin/chromium"];

/** Arguments that keep Chromium quiet on a machine without a display or an open network. Without a sandbox only as root, which cannot have one. */
export const CHROMIUM_ARGUMENTS = [
  "--headless",
  ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Path of a Chromium, from MILLRACE_CHROMIUM or the usual places; undefined when there is none. */
export function findChromium(): string | undefined {
  return [process.env.MILLRACE_CHROMIUM ?? "", ...PLACES].find((path) => path !== "" && existsSync(path));
}

/** As root on Debian or Ubuntu, installs Chromium when it is missing. Says in one line how to when it cannot. */
export function ensureChromium(): string | undefined {
  const found = findChromium();
  if (found) return found;
  if (process.getuid?.() === 0 && existsSync("/usr/bin/apt-get")) {
    console.log("Installing Chromium for the browser tests (apt-get install chromium) …");
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    spawnSync("apt-get", ["update", "-qq"], { env, stdio: "ignore" });
    spawnSync("apt-get", ["install", "-y", "-qq", "chromium"], { env, stdio: "ignore" });
  }
  const installed = findChromium();
  if (!installed)
    console.log(
      "The browser tests need Chromium: install it (Debian: sudo apt-get install chromium) or set MILLRACE_CHROMIUM.",
    );
  return installed;
}
