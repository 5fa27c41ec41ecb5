import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { ManualClock, type MillraceError } from "@millrace/core";
import { cacheKey } from "../../src/cache/cache-key.ts";
import type { PageCacheOptions } from "../../src/cache/cache-options.ts";
import type { Load } from "../../src/cache/load.ts";
import { createPageCache, type PageCache } from "../../src/cache/page-cache.ts";

/** A folder that goes with the test. */
export function temporaryDirectory(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "millrace-cache-"));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export type Bench<V> = {
  readonly cache: PageCache<V>;
  readonly clock: ManualClock;
  readonly warnings: MillraceError[];
};

/** A cache under a manual clock, closed with the test. */
export function openCache<V = string>(context: TestContext, options: PageCacheOptions<V> = {}): Bench<V> {
  const clock = (options.clock as ManualClock | undefined) ?? new ManualClock();
  const warnings: MillraceError[] = [];
  const cache = createPageCache<V>({ onWarning: (warning) => warnings.push(warning), ...options, clock });
  context.after(() => cache[Symbol.asyncDispose]());
  return { cache, clock, warnings };
}

export const keyOf = (path: string): string => cacheKey({ url: `https://example.com/${path}`, version: "1" });

/** A loader that gives `value` and counts its calls. */
export function counted<V>(value: V): { readonly load: Load<V>; calls: number } {
  const counter = {
    calls: 0,
    load: async () => {
      counter.calls++;
      return { value };
    },
  };
  return counter;
}

/** Lets all that is ready run: promises, and one round of the event loop. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Text that does not compress. */
export function noise(bytes: number, seed: number): string {
  let state = seed + 1;
  let text = "";
  while (text.length < bytes) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    text += String.fromCharCode(32 + ((state >>> 24) % 224));
  }
  return text;
}
