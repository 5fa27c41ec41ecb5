/** What a cached value is found by: the page, how it was read, and by which version. */
import { hash } from "node:crypto";
import { assert } from "@millrace/core";
import { canonicalUrl } from "./canonical-url.ts";

export type CacheKeyParts = {
  readonly url: string;
  /** What changes the result: read mode, selectors, limits … Plain JSON; the order of names does not matter, undefined ones are left out. */
  readonly options?: unknown;
  /** Version of what makes the value: a new one never sees the old one's results. */
  readonly version?: string;
};

/** 128 bits of SHA-256 in hexadecimal, then a blank. */
const HASH_CHARS = 32;

/** `HASH CANONICAL-URL`, where the hash is of options and version. Throws `invalid_argument` when `url` is no http address. */
export function cacheKey({ url, options, version }: CacheKeyParts): string {
  const how = hash("sha256", `${version ?? ""}\n${stableJson(options)}`).slice(0, HASH_CHARS);
  return `${how} ${canonicalUrl(url)}`;
}

/** The two halves of a key made by cacheKey. */
export function splitKey(key: string): { readonly hash: string; readonly url: string } {
  assert(key[HASH_CHARS] === " ", "a cache key comes from cacheKey()");
  return { hash: key.slice(0, HASH_CHARS), url: key.slice(HASH_CHARS + 1) };
}

function stableJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (isPlain(part) ? sorted(part) : part)) ?? "";
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function sorted(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
