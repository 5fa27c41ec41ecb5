/** A second process on a cache file: keeps `count` values, then says how many of another writer's it found. */
import { cacheKey } from "../../src/cache/cache-key.ts";
import { createPageCache } from "../../src/cache/page-cache.ts";

const [directory = "", name = "", count = "0"] = process.argv.slice(2);
const cache = createPageCache<string>({ disk: { directory }, onWarning: (warning) => console.error(warning.message) });
const keyOf = (writer: string, n: number) => cacheKey({ url: `https://example.com/${writer}/${n}` });

for (let n = 0; n < Number(count); n++) await cache.get(keyOf(name, n), async () => ({ value: `${name} ${n}` }));
await cache.flush();
process.send?.("written");
process.once("message", async (other: string) => {
  let found = 0;
  for (let n = 0; n < Number(count); n++) {
    const got = await cache
      .get(keyOf(other, n), async () => ({ value: "loaded" }), { mode: "only" })
      .catch(() => undefined);
    if (got?.value === `${other} ${n}`) found++;
  }
  const { faults, entries } = cache.stats();
  await cache[Symbol.asyncDispose]();
  process.send?.({ found, faults, entries: entries.disk });
  process.disconnect();
});
