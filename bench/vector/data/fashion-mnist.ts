/** Zalando's images of clothing (MIT), the set that ann-benchmarks measures with: 28 × 28 bytes each, l2. */
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { checkInteger, MillraceError } from "@millrace/core";
import { readBytes } from "./cache.ts";
import type { DataSetOptions, Unanswered } from "./data-set.ts";

/** Where Debian's package puts them. */
const DIRECTORY = "/usr/share/datasets/fashion-mnist";
/** Of an IDX file of bytes with three dimensions: its magic number, three lengths, then the bytes. */
const IDX_MAGIC = 0x0803;
const IDX_HEADER_BYTES = 16;
const QUERIES_MAX = 10_000;

const unzip = promisify(gunzip);

/** The training images as rows and the first 1,000 test images as queries. `unavailable` when the package is not installed. */
export async function loadFashion(options: DataSetOptions): Promise<Unanswered> {
  const { directory = DIRECTORY, queries = 1_000 } = options;
  checkInteger("queries", queries, { min: 1, max: QUERIES_MAX });
  const [train, test] = await Promise.all([
    readImages(join(directory, "train-images-idx3-ubyte.gz")),
    readImages(join(directory, "t10k-images-idx3-ubyte.gz")),
  ]);
  const { dims } = train;
  return { name: "fashion-mnist", dims, metric: "l2", base: train.rows, query: test.rows.slice(0, queries * dims) };
}

async function readImages(path: string): Promise<{ rows: Float32Array; dims: number }> {
  let bytes: Buffer;
  try {
    bytes = await unzip(await readBytes(path));
  } catch (cause) {
    throw new MillraceError(
      "unavailable",
      `${path} cannot be read; apt-get install dataset-fashion-mnist, or give the directory that holds it`,
      { cause },
    );
  }
  return parseImages(bytes);
}

/** Rows of the pixels of an IDX file (four-byte big-endian header words). `invalid_argument` when it is not one. */
export function parseImages(bytes: Buffer): { rows: Float32Array; dims: number } {
  const isHeader = bytes.length >= IDX_HEADER_BYTES && bytes.readUInt32BE(0) === IDX_MAGIC;
  const dims = isHeader ? bytes.readUInt32BE(8) * bytes.readUInt32BE(12) : 0;
  const count = isHeader ? bytes.readUInt32BE(4) : 0;
  if (!isHeader || bytes.length !== IDX_HEADER_BYTES + count * dims) {
    throw new MillraceError("invalid_argument", `a file of ${bytes.length} bytes is not an IDX file of images`);
  }
  return { rows: Float32Array.from(bytes.subarray(IDX_HEADER_BYTES)), dims };
}
