/**
 * A process on a cache file: keeps `count` values, maybe while another does; one more when it is told so; and at last says what it found of
 * the other's.
 */
import { once } from "node:events";
import { cacheKey } from "../../src/cache/cache-key.ts";
import { createPageCache } from "../../src/cache/page-cache.ts";

const [directory = "", name = "", count = "0"] = process.argv.slice(2);
const cache = createPageCache<string>({ disk: { directory }, onWarning: (warning) => console.error(warning.message) });
const keyOf = (writer: string, what: number | string) => cacheKey({ url: `https://example.com/${writer}/${what}` });

async function keep(what: number | string): Promise<void> {
  await cache.get(keyOf(name, what), async () => ({ value: `${name} ${what}` }));
}

async function isFound(writer: string, what: number | string): Promise<boolean> {
  const got = await cache
    .get(keyOf(writer, what), async () => ({ value: "loaded" }), { mode: "only" })
    .catch(() => undefined);
  return got?.value === `${writer} ${what}`;
}

for (let n = 0; n < Number(count); n++) await keep(n);
await cache.flush();
const told = once(process, "message");
process.send?.("written");
await told;
await keep("alone");
await cache.flush();
const asked = once(process, "message");
process.send?.("kept");
const [other] = (await asked) as [string];
let found = 0;
for (let n = 0; n < Number(count); n++) if (await isFound(other, n)) found++;
const isAloneFound = await isFound(other, "alone");
const { faults, entries } = cache.stats();
await cache[Symbol.asyncDispose]();
process.send?.({ found, isAloneFound, faults, entries: entries.disk });
process.disconnect();
