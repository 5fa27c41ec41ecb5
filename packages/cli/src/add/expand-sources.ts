/** From what was typed to what is sent: directories become their files, addresses stay, stdin is read. */
import { readFile } from "node:fs/promises";
import { join, posix, sep } from "node:path";
import type { UploadFile } from "@millrace/client";
import { MillraceError } from "@millrace/core";
import type { CommandContext } from "../command.ts";
import { FILES_MAX } from "../limits.ts";
import { checkSize, readStdin } from "../read-stdin.ts";
import { loadServer } from "../server-module.ts";
import type { Tally } from "./tally.ts";

export type Expanded = { readonly files: readonly UploadFile[]; readonly urls: readonly string[] };

const STDIN = "-";

/**
 * Reads the operands. A source is named by the path as it was typed joined with the path below it, `/` between names, so that two
 * directories do not collide and the name is one that opens. What cannot be sent becomes an error of the tally, and the rest goes on.
 */
export async function expandSources(context: CommandContext, tally: Tally): Promise<Expanded> {
  const files = new Map<string, UploadFile>();
  const urls = new Set<string>();
  for (const operand of context.operands) {
    if (/^https?:\/\//i.test(operand)) urls.add(operand);
    else if (operand === STDIN) await addStdin(context, files);
    else
      await addPath(operand, files, { tally, signal: context.signal }).catch(failing(tally, operand, context.signal));
  }
  tally.total = files.size + urls.size + tally.errors.length;
  return { files: [...files.values()], urls: [...urls] };
}

/** The file to send for a source that is a path. */
export function fileOf(source: string, path: string, bytes: number): UploadFile {
  return { source, bytes, open: () => readFile(path) };
}

/** Too large for the engine: told before its bytes travel. */
async function addPath(
  operand: string,
  files: Map<string, UploadFile>,
  { tally, signal }: { readonly tally: Tally; readonly signal: AbortSignal },
): Promise<void> {
  const { walkFiles } = await loadServer();
  const before = files.size + tally.errors.length;
  for await (const walked of walkFiles(operand, { signal })) {
    const isRoot = walked.path === operand;
    const source = toSource(isRoot ? operand : join(operand, walked.source));
    try {
      checkSize(source, walked.bytes);
      files.set(source, fileOf(source, walked.path, walked.bytes));
    } catch (error) {
      tally.failedOne(source, MillraceError.from(error));
    }
    if (files.size > FILES_MAX) {
      throw new MillraceError(
        "invalid_argument",
        `more than ${FILES_MAX} files; add its directories one after the other`,
      );
    }
  }
  const isEmpty = files.size + tally.errors.length === before && !files.has(toSource(operand));
  if (isEmpty)
    throw new MillraceError("not_found", `${operand} holds no files (dot-directories and node_modules are left out)`);
}

/** A path that is wrong is one error among others; wrong usage and Ctrl-C end it all. */
function failing(tally: Tally, operand: string, signal: AbortSignal): (error: unknown) => void {
  return (error) => {
    const failure = MillraceError.from(error, "not_found");
    if (signal.aborted || failure.code === "invalid_argument") throw failure;
    const isMissing = (failure.cause as NodeJS.ErrnoException | undefined)?.code === "ENOENT";
    const message = isMissing ? `${operand} does not exist; check the path` : failure.message;
    tally.failedOne(toSource(operand), { code: failure.code, message });
  };
}

async function addStdin(context: CommandContext, files: Map<string, UploadFile>): Promise<void> {
  const { bytes, source } = await readStdin(context, "cat notes.md | millrace add -");
  files.set(source, { source, bytes: bytes.length, open: () => bytes });
}

function toSource(path: string): string {
  return posix.normalize(path.split(sep).join("/"));
}
