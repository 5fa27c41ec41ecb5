/** npm packages by name, version and hash, kept in a cache folder between runs. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";

const run = promisify(execFile);

export type PackagePin = {
  readonly package: string;
  readonly version: string;
  readonly license: string;
  readonly sha256: string;
};

export type PackageFile = { readonly path: string; readonly bytes: Buffer };

/** The package's archive, from the cache or from npm; throws when its bytes are not the ones recorded. */
export async function fetchArchive(pin: PackagePin, cache: string): Promise<Buffer> {
  const folder = join(cache, "packages");
  const name = `${pin.package.replace("@", "").replaceAll("/", "-")}-${pin.version}.tgz`;
  const path = join(folder, name);
  let bytes = await readFile(path).catch(() => undefined);
  if (bytes === undefined) {
    await mkdir(folder, { recursive: true });
    const scratch = await mkdtemp(join(folder, ".pack-"));
    try {
      await run("npm", ["pack", "--silent", "--pack-destination", scratch, `${pin.package}@${pin.version}`]);
      await rename(join(scratch, name), path);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
    bytes = await readFile(path);
  }
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  if (sha256 !== pin.sha256) throw new Error(`${pin.package}@${pin.version} hashes to ${sha256}, not ${pin.sha256}`);
  return bytes;
}

/** The files of an npm archive in its own order, without the leading folder. Reads ustar with pax and GNU long names. */
export function* filesOf(archive: Buffer): Generator<PackageFile> {
  const tar = gunzipSync(archive);
  let longName: string | undefined;
  for (let at = 0; at + 512 <= tar.length; ) {
    const header = tar.subarray(at, at + 512);
    if (header[0] === 0) break;
    const size = Number.parseInt(field(header, 124, 12).trim() || "0", 8);
    const type = String.fromCharCode(header[156] as number);
    const body = tar.subarray(at + 512, at + 512 + size);
    at += 512 + Math.ceil(size / 512) * 512;
    if (type === "x") longName = /^\d+ path=(.*)$/m.exec(body.toString("utf8"))?.[1];
    else if (type === "L") longName = body.toString("utf8").replace(/\0.*$/, "");
    else if (type === "0" || type === "\0") {
      const prefix = field(header, 345, 155);
      const name = longName ?? (prefix === "" ? "" : `${prefix}/`) + field(header, 0, 100);
      longName = undefined;
      yield { path: name.replace(/^[^/]+\//, ""), bytes: body };
    }
  }
}

function field(header: Buffer, start: number, length: number): string {
  return header.toString("utf8", start, start + length).replace(/\0.*$/s, "");
}
