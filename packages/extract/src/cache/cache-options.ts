/** What a page cache is made with, checked and with its defaults. */
import { join } from "node:path";
import { type Clock, checkInteger, checkText, type MillraceError, systemClock } from "@millrace/core";
import {
  CACHE_DISK_BYTES,
  CACHE_ENTRY_BYTES_MAX,
  CACHE_MEMORY_BYTES,
  CACHE_NEGATIVE_TTL_MS,
  CACHE_REFRESHES_MAX,
  CACHE_STALE_MS,
  CACHE_TTL_MS,
} from "../limits.ts";
import { type Codec, structuredCodec } from "./packed-value.ts";

export type CacheDiskOptions = {
  /** Made when it does not exist. */
  readonly directory: string;
  /** Each cache has a file of its own, `NAME.db`; default "cache". */
  readonly name?: string | undefined;
  /** Sum of the compressed values, 64 KiB … 1 TiB; default 1 GiB. A single value may have a quarter of it. */
  readonly bytesMax?: number | undefined;
  /** Size the file may reach, free space and indexes included; default 1.25 × `bytesMax` + 4 MiB. */
  readonly fileBytesMax?: number | undefined;
};

export type PageCacheOptions<V> = {
  /** Values in memory, 64 KiB … 64 GiB; default 64 MiB. */
  readonly memoryBytesMax?: number | undefined;
  /** Second layer; without it the cache is in memory only. */
  readonly disk?: CacheDiskOptions | undefined;
  /** Largest value that is kept, in encoded bytes; default 16 MiB. Larger ones are passed through. */
  readonly entryBytesMax?: number | undefined;
  /** Age until which a value is served without a question; default 1 h. A loaded value may bring its own. */
  readonly ttlMs?: number | undefined;
  /** Time after that in which it is served at once and refreshed in the background; default 24 h. 0: never served stale. */
  readonly staleMs?: number | undefined;
  /** How long a lasting failure is repeated; default 60 s. 0: never. */
  readonly negativeTtlMs?: number | undefined;
  /** Background refreshes at once, 0 … 1,000; default 4. */
  readonly refreshesMax?: number | undefined;
  /** How values become bytes; default structured clone. */
  readonly codec?: Codec<V> | undefined;
  readonly clock?: Clock | undefined;
  /** Told when the disk layer met a fault or started empty; requests go on. Default: a process warning. */
  readonly onWarning?: ((warning: MillraceError) => void) | undefined;
};

export type CacheSettings<V> = {
  readonly memoryBytesMax: number;
  readonly disk: { readonly path: string; readonly bytesMax: number; readonly fileBytesMax: number } | undefined;
  readonly entryBytesMax: number;
  readonly ttlMs: number;
  readonly staleMs: number;
  readonly negativeTtlMs: number;
  readonly refreshesMax: number;
  readonly codec: Codec<V>;
  readonly clock: Clock;
  readonly warn: (warning: MillraceError) => void;
};

const BYTES_MIN = 64 * 1024;
const MEMORY_BYTES_LIMIT = 64 * 1024 ** 3;
const DISK_BYTES_LIMIT = 1024 ** 4;
const ENTRY_BYTES_LIMIT = 256 * 1024 * 1024;
/** Ten years: further ahead is a mistake of units. */
export const CACHE_MS_LIMIT = 315_360_000_000;
const REFRESHES_LIMIT = 1_000;
/** Free pages, indexes and rows beside the values. */
const FILE_SHARE = 1.25;
const FILE_BYTES_EXTRA = 4 * 1024 * 1024;

/** Throws `invalid_argument` naming the option, its value and its range. */
export function checkCacheOptions<V>(options: PageCacheOptions<V>): CacheSettings<V> {
  const disk = options.disk && checkDisk(options.disk);
  const entryBytesMax = integer("entryBytesMax", options.entryBytesMax ?? CACHE_ENTRY_BYTES_MAX, ENTRY_BYTES_LIMIT);
  return {
    memoryBytesMax: checkInteger("memoryBytesMax", options.memoryBytesMax ?? CACHE_MEMORY_BYTES, {
      min: BYTES_MIN,
      max: MEMORY_BYTES_LIMIT,
    }),
    disk,
    entryBytesMax: disk ? Math.min(entryBytesMax, Math.floor(disk.bytesMax / 4)) : entryBytesMax,
    ttlMs: integer("ttlMs", options.ttlMs ?? CACHE_TTL_MS, CACHE_MS_LIMIT),
    staleMs: integer("staleMs", options.staleMs ?? CACHE_STALE_MS, CACHE_MS_LIMIT),
    negativeTtlMs: integer("negativeTtlMs", options.negativeTtlMs ?? CACHE_NEGATIVE_TTL_MS, CACHE_MS_LIMIT),
    refreshesMax: integer("refreshesMax", options.refreshesMax ?? CACHE_REFRESHES_MAX, REFRESHES_LIMIT),
    codec: options.codec ?? structuredCodec<V>(),
    clock: options.clock ?? systemClock,
    warn: options.onWarning ?? ((warning) => process.emitWarning(warning.message, { code: "MILLRACE_CACHE" })),
  };
}

function checkDisk({ directory, name = "cache", bytesMax = CACHE_DISK_BYTES, fileBytesMax }: CacheDiskOptions) {
  checkText("disk.name", name, { pattern: /^[a-z0-9-]{1,64}$/, rule: "1 to 64 of a–z, 0–9 and -" });
  checkInteger("disk.bytesMax", bytesMax, { min: BYTES_MIN, max: DISK_BYTES_LIMIT });
  const fallback = Math.ceil(bytesMax * FILE_SHARE) + FILE_BYTES_EXTRA;
  return {
    path: join(directory, `${name}.db`),
    bytesMax,
    fileBytesMax: checkInteger("disk.fileBytesMax", fileBytesMax ?? fallback, {
      min: BYTES_MIN,
      max: DISK_BYTES_LIMIT * 2,
    }),
  };
}

function integer(name: string, value: number, max: number): number {
  return checkInteger(name, value, { min: 0, max });
}
