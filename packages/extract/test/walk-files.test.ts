import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type WalkOptions, walkFiles } from "../src/walk-files.ts";

let root = "";

before(async () => {
  root = await mkdtemp(join(tmpdir(), "walk-"));
  await mkdir(join(root, "b", "deep"), { recursive: true });
  await mkdir(join(root, "node_modules", "x"), { recursive: true });
  await mkdir(join(root, ".hidden"));
  for (const name of ["z.txt", "a.md", "b/one.html", "b/deep/two.txt", "node_modules/x/no.md", ".hidden/no.md"])
    await writeFile(join(root, name), name);
  await symlink("..", join(root, "b", "loop"));
  await symlink("missing", join(root, "dangling"));
});

after(() => rm(root, { recursive: true }));

async function sourcesOf(path: string, options?: WalkOptions): Promise<string[]> {
  const sources: string[] = [];
  for await (const file of walkFiles(path, options)) sources.push(file.source);
  return sources;
}

test("files come in order, without node_modules, dot-directories, loops and dangling links", async () => {
  assert.deepEqual(await sourcesOf(root), ["a.md", "b/deep/two.txt", "b/one.html", "z.txt"]);
});

test("a file is a walk of one, by its own name and size", async () => {
  for await (const file of walkFiles(join(root, "a.md")))
    assert.deepEqual(file, { path: join(root, "a.md"), source: "a.md", bytes: 4 });
});

test("depth and count are bounded", async () => {
  assert.deepEqual(await sourcesOf(root, { depthMax: 1 }), ["a.md", "b/one.html", "z.txt"]);
  await assert.rejects(sourcesOf(root, { filesMax: 2 }), { code: "too_large", message: /2 files/ });
});

test("a missing path is named", async () => {
  const path = join(root, "nowhere");
  await assert.rejects(
    sourcesOf(path),
    (error: Error & { code: string }) => error.code === "not_found" && error.message.includes(path),
  );
});

test("a walk can be cancelled", async () => {
  await assert.rejects(sourcesOf(root, { signal: AbortSignal.abort() }), { code: "cancelled" });
});
