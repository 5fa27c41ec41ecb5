import type { FetchedPage } from "./fetched-page.ts";
import { createFetcher, type FetcherOptions, type FetchOptions } from "./fetcher.ts";

export type FetchPageOptions = FetchOptions & Pick<FetcherOptions, "resolve" | "userAgent" | "clock" | "rng">;

/**
 * Fetches one page with a fetcher of its own: same rules, same errors as `Fetcher.fetch`, but no connection, rate or robots.txt is shared
 * with other calls. For more than one page use `createFetcher`.
 */
export async function fetchPage(url: string, options: FetchPageOptions = {}): Promise<FetchedPage> {
  const { resolve, userAgent, clock, rng } = options;
  await using fetcher = createFetcher({ resolve, userAgent, clock, rng });
  return await fetcher.fetch(url, options);
}
