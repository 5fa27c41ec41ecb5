import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { readBody } from "../../src/fetch/read-body.ts";

const MB = 1024 * 1024;
const text = Buffer.from("The weir raises the water. ".repeat(40));
const CODINGS = {
  gzip: (bytes: Uint8Array) => gzipSync(bytes),
  "x-gzip": (bytes: Uint8Array) => gzipSync(bytes),
  deflate: (bytes: Uint8Array) => deflateSync(bytes),
  br: (bytes: Uint8Array) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }),
  zstd: (bytes: Uint8Array) => zstdCompressSync(bytes),
};

/** In pieces of some KB, as they come from a socket; says how many were taken. */
function arriving(bytes: Uint8Array, piece = 16_384) {
  let taken = 0;
  function* pieces() {
    for (let at = 0; at < bytes.length; at += piece) {
      taken += Math.min(piece, bytes.length - at);
      yield bytes.subarray(at, at + piece);
    }
  }
  return { body: Readable.from(pieces(), { objectMode: false }), taken: () => taken };
}

const read = (
  bytes: Uint8Array,
  encoding?: string,
  more: { bytesMax?: number; announced?: string; isCut?: boolean } = {},
) => readBody(arriving(bytes).body, { url: "http://foo.bar/", bytesMax: 20 * MB, encoding, ...more });

test("every coding is read, alone and one inside the other, in any letter case", async () => {
  for (const [name, encode] of Object.entries(CODINGS)) {
    assert.deepEqual(Buffer.from(await read(encode(text), name.toUpperCase())), text, name);
    assert.deepEqual(Buffer.from(await read(gzipSync(encode(text)), `${name}, gzip`)), text, name);
  }
  assert.deepEqual(Buffer.from(await read(text, " identity ,")), text);
  assert.deepEqual(Buffer.from(await read(deflateRawSync(text), "deflate")), text);
});

test("what arrives in pieces of any size is the same", async () => {
  const large = Buffer.alloc(300_000);
  for (let at = 0; at < large.length; at++) large[at] = (at * 7919) >> 5;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("gzip", "deflate", "br", "zstd"),
      fc.integer({ min: 7, max: 70_000 }),
      async (name, piece) => {
        const { body } = arriving(CODINGS[name as keyof typeof CODINGS](large), piece);
        const got = await readBody(body, { url: "http://foo.bar/", bytesMax: MB, encoding: name });
        assert.ok(large.equals(got));
      },
    ),
    { numRuns: 20 },
  );
});

test("a bomb of any coding is refused while it arrives", async () => {
  const zeros = Buffer.alloc(16 * MB);
  for (const [name, encode] of Object.entries(CODINGS)) {
    const bomb = encode(zeros);
    await assert.rejects(read(bomb, name, { bytesMax: 100 * MB }), { code: "too_large", message: /200 fold/ }, name);
    await assert.rejects(read(bomb, name, { bytesMax: MB }), { code: "too_large", message: /1048576 bytes/ }, name);
  }
});

test("a bomb inside a bomb is refused", async () => {
  const outer = gzipSync(gzipSync(Buffer.alloc(32 * MB)));
  assert.ok(outer.length < 500, String(outer.length));
  await assert.rejects(read(outer, "gzip, gzip", { bytesMax: 100 * MB }), { code: "too_large" });
  await assert.rejects(read(gzipSync(CODINGS.br(Buffer.alloc(32 * MB))), "br, gzip"), { code: "too_large" });
});

test("a page that is dense because it repeats itself is no bomb", async () => {
  const rows = Buffer.alloc(3 * MB, "<tr><td>0</td></tr>");
  assert.equal((await read(gzipSync(rows), "gzip")).length, rows.length);
});

test("parts without content count by what is received", async () => {
  const empty = Buffer.alloc(800_000, gzipSync(""));
  const { body, taken } = arriving(empty);
  await assert.rejects(readBody(body, { url: "http://foo.bar/", bytesMax: 100_000, encoding: "gzip" }), {
    code: "too_large",
  });
  assert.ok(taken() < 400_000, String(taken()));
});

test("what announces too much is not read at all, and what is longer than it may be only so far", async () => {
  const { body, taken } = arriving(text);
  await assert.rejects(
    readBody(body, { url: "http://foo.bar/", bytesMax: 1_000, encoding: undefined, announced: "1001" }),
    {
      code: "too_large",
    },
  );
  assert.equal(taken(), 0);
  const long = arriving(Buffer.alloc(4 * MB, 65));
  await assert.rejects(readBody(long.body, { url: "http://foo.bar/", bytesMax: 100_000, encoding: undefined }), {
    code: "too_large",
  });
  assert.ok(long.taken() < 400_000, String(long.taken()));
});

test("cut at its limit on request, the beginning is kept", async () => {
  assert.deepEqual(Buffer.from(await read(text, undefined, { bytesMax: 100, isCut: true })), text.subarray(0, 100));
  assert.deepEqual(
    Buffer.from(await read(gzipSync(text), "gzip", { bytesMax: 100, isCut: true })),
    text.subarray(0, 100),
  );
});

test("damaged, unknown and endless codings are refused by name", async () => {
  for (const name of Object.keys(CODINGS))
    await assert.rejects(
      read(Buffer.from("no such coding, just words"), name),
      { code: "unreadable_document", message: new RegExp(name) },
      name,
    );
  await assert.rejects(read(CODINGS.br(text).subarray(0, 30), "br"), { code: "unreadable_document" });
  await assert.rejects(read(text, "compress"), { code: "unreadable_document", message: /compress/ });
  await assert.rejects(read(text, "gzip, gzip, gzip"), {
    code: "unreadable_document",
    message: /3 content codings; 2/,
  });
});

test("zstd with a window beyond 8 MB is refused: it would claim the memory of its window", async () => {
  const params = { [constants.ZSTD_c_windowLog]: 27, [constants.ZSTD_c_compressionLevel]: 1 };
  const noise = Buffer.alloc(9 * MB);
  for (let at = 0; at < noise.length; at += 4) noise.writeInt32LE(Math.imul(at, 0x9e3779b1), at);
  await assert.rejects(read(zstdCompressSync(noise, { params }), "zstd"), { code: "unreadable_document" });
});

test("an error of the connection stays what it is", async () => {
  for (const encoding of [undefined, "gzip", "br, gzip"]) {
    const body = new Readable({ read() {} });
    body.push(gzipSync(brotliCompressSync(text)).subarray(0, 20));
    const reading = readBody(body, { url: "http://foo.bar/", bytesMax: MB, encoding });
    body.destroy(new Error("reset by peer"));
    await assert.rejects(reading, /reset by peer/);
  }
});
