/** The files under a path, in a fixed order. */
import type { Dirent } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { basename, join, sep } from "node:path";
import { checkInteger, MillraceError } from "@millrace/core";
import { WALK_DEPTH_MAX, WALK_FILES_MAX } from "./limits.ts";

export type WalkOptions = {
  /** Directories below the root; deeper ones are left out. 0 … 64, default 64. */
  readonly depthMax?: number;
  /** More files than this end the walk with `too_large`. 1 … 200,000, default 200,000. */
  readonly filesMax?: number;
  readonly signal?: AbortSignal;
};

export type WalkedFile = {
  /** What to open. */
  readonly path: string;
  /** Relative to the root, "/" between names; the file's own name when the root is a file. */
  readonly source: string;
  /** Size when listed. */
  readonly bytes: number;
};

/** Folders of machines, not of readers. */
const SKIPPED: ReadonlySet<string> = new Set(["node_modules", "__pycache__"]);

type Walk = {
  readonly depthMax: number;
  readonly filesMax: number;
  readonly signal: AbortSignal | undefined;
  readonly seen: Set<string>;
  files: number;
};

/**
 * Yields regular files depth first, names sorted by code unit; follows symbolic links, each directory once. Leaves out
 * dot-directories, node_modules, and entries that vanish or cannot be opened meanwhile. Throws `not_found` for a root that is
 * not there.
 */
export async function* walkFiles(root: string, options: WalkOptions = {}): AsyncIterable<WalkedFile> {
  const walk: Walk = {
    depthMax: checkInteger("depthMax", options.depthMax ?? WALK_DEPTH_MAX, { min: 0, max: WALK_DEPTH_MAX }),
    filesMax: checkInteger("filesMax", options.filesMax ?? WALK_FILES_MAX, { min: 1, max: WALK_FILES_MAX }),
    signal: options.signal,
    seen: new Set(),
    files: 0,
  };
  const found = await stat(root).catch((cause: unknown) => {
    throw new MillraceError(
      "not_found",
      `${root} cannot be opened: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  });
  if (found.isDirectory()) yield* walkDirectory(walk, { path: root, source: "", depth: 0 });
  else if (found.isFile()) yield { path: root, source: basename(root), bytes: found.size };
  else throw new MillraceError("unsupported_type", `${root} is neither a file nor a directory`);
}

async function* walkDirectory(
  walk: Walk,
  at: { readonly path: string; readonly source: string; readonly depth: number },
): AsyncIterable<WalkedFile> {
  const real = await realpath(at.path).catch(() => undefined);
  if (real === undefined || walk.seen.has(real)) return;
  walk.seen.add(real);
  const entries: Dirent[] = await readdir(at.path, { withFileTypes: true }).catch(() => []);
  entries.sort((left, right) => (left.name < right.name ? -1 : 1));
  for (const entry of entries) {
    if (walk.signal?.aborted)
      throw new MillraceError("cancelled", `the walk of ${at.path} was cancelled`, { cause: walk.signal.reason });
    const path = join(at.path, entry.name);
    const found = await stat(path).catch(() => undefined);
    const source = at.source === "" ? entry.name : `${at.source}/${entry.name}`;
    if (found?.isDirectory()) {
      const isSkipped = entry.name.startsWith(".") || SKIPPED.has(entry.name) || at.depth >= walk.depthMax;
      if (!isSkipped) yield* walkDirectory(walk, { path, source, depth: at.depth + 1 });
    } else if (found?.isFile()) {
      if (++walk.files > walk.filesMax)
        throw new MillraceError(
          "too_large",
          `the walk met more than ${walk.filesMax} files (filesMax); name a smaller folder`,
        );
      yield { path, source: source.split(sep).join("/"), bytes: found.size };
    }
  }
}
