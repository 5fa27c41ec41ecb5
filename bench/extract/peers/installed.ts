/** Packages of this folder, which are installed on demand: nobody needs them to run or test Millrace. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { MillraceError } from "@millrace/core";

const INSTALL = "npm ci --prefix bench/extract/peers";
/** This folder itself: the packages are installed beside its package.json. */
const DIRECTORY = import.meta.dirname;

/** A package of this folder, loaded. `T` is the part of it that is used. `unavailable` when it is missing or cannot be loaded. */
export function requirePeer<T>(name: string, directory = DIRECTORY): T {
  try {
    return createRequire(join(directory, "package.json"))(name) as T;
  } catch (cause) {
    throw notLoaded(name, cause);
  }
}

/** The same for one file of a package that is made of ES modules only. */
export async function importPeer<T>(name: string, file: string, directory = DIRECTORY): Promise<T> {
  try {
    return (await import(pathToFileURL(join(directory, "node_modules", name, file)).href)) as T;
  } catch (cause) {
    throw notLoaded(name, cause);
  }
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

function notLoaded(name: string, cause: unknown): MillraceError {
  const reason = cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : String(cause);
  return new MillraceError("unavailable", `peer ${name} cannot be loaded (${reason}); ${INSTALL}`, { cause });
}
