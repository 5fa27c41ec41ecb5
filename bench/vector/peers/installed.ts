/** Packages of this folder, which are installed on demand: half a gigabyte that nobody needs to run or test Millrace. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { MillraceError } from "@millrace/core";

/** Built for this machine: without AVX hnswlib is 1.65 times slower (measured), and no peer to compare with. */
const INSTALL = "CXXFLAGS=-march=native npm ci --prefix bench/vector/peers";
/** From source this folder itself; the packages are installed beside its package.json. */
const DIRECTORY = import.meta.dirname;

/**
 * A package of this folder, loaded. `T` is the part of it that is used, since its own types are only there once it is installed.
 * `unavailable` when it is missing or cannot be loaded, with the command that installs it.
 */
export function requirePeer<T>(name: string, directory = DIRECTORY): T {
  try {
    return createRequire(join(directory, "package.json"))(name) as T;
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : String(cause);
    throw new MillraceError("unavailable", `peer ${name} cannot be loaded (${reason}); ${INSTALL}`, { cause });
  }
}

/** The path of a file in an installed package. `unavailable` when the package is missing. */
export function peerFile(name: string, file: string, directory = DIRECTORY): string {
  peerVersion(name, directory);
  return join(directory, "node_modules", name, file);
}

/** The version that is installed. `unavailable` when none is. */
export function peerVersion(name: string, directory = DIRECTORY): string {
  try {
    const text = readFileSync(join(directory, "node_modules", name, "package.json"), "utf8");
    return (JSON.parse(text) as { version: string }).version;
  } catch (cause) {
    throw new MillraceError("unavailable", `peer ${name} is not installed; ${INSTALL}`, { cause });
  }
}
