/** What is to be read: an address stays one, a file and stdin become their bytes. */
import { readFile, stat } from "node:fs/promises";
import { MillraceError } from "@millrace/core";
import type { CommandContext } from "../command.ts";
import { checkSize, readStdin } from "../read-stdin.ts";

export type ExtractOperand = { readonly url: string } | { readonly bytes: Uint8Array; readonly source: string };

export async function readOperand(context: CommandContext): Promise<ExtractOperand> {
  const operand = context.operands[0] ?? "";
  if (/^https?:\/\//i.test(operand)) return { url: operand };
  if (operand === "-") return readStdin(context, "cat page.html | millrace extract -");
  return { bytes: await readWhole(operand), source: operand };
}

async function readWhole(path: string): Promise<Uint8Array> {
  try {
    const found = await stat(path);
    if (found.isDirectory())
      throw new MillraceError(
        "invalid_argument",
        `${path} is a directory; name a file, or add it: millrace add ${path}`,
      );
    checkSize(path, found.size);
    return await readFile(path);
  } catch (error) {
    if (error instanceof MillraceError) throw error;
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    const message = isMissing
      ? `${path} does not exist; check the path, or write an address as https://host/path`
      : String(error);
    throw new MillraceError("not_found", message, { cause: error });
  }
}
