import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { MillraceError } from "@millrace/core";
import { type BenchCase, checkCase } from "./case.ts";

/** Where the cases of the project are. */
export const CASES_DIRECTORY = fileURLToPath(new URL("../cases", import.meta.url));

/** The cases exported as `cases` by the modules of a directory, in order of name. */
export async function findCases(directory = CASES_DIRECTORY): Promise<BenchCase[]> {
  const found = new Map<string, BenchCase>();
  for (const file of readdirSync(directory).sort()) {
    if (!/(?<!\.d)\.[jt]s$/.test(file)) continue;
    const exported: { cases?: unknown } = await import(pathToFileURL(join(directory, file)).href);
    if (!Array.isArray(exported.cases)) {
      throw new MillraceError("invalid_argument", `${file} exports no array "cases"`);
    }
    for (const candidate of exported.cases as BenchCase[]) {
      const { name } = checkCase(candidate, file);
      if (found.has(name)) throw new MillraceError("conflict", `${file}: there is another case named ${name}`);
      found.set(name, candidate);
    }
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Those whose name matches the regular expression; `not_found` when none does. */
export function chooseCases(cases: readonly BenchCase[], pattern = ""): BenchCase[] {
  let regex: RegExp;
  try {
    regex = new RegExp(pattern);
  } catch (cause) {
    throw new MillraceError("invalid_argument", `pattern ${JSON.stringify(pattern)} is no regular expression`, {
      cause,
    });
  }
  const chosen = cases.filter(({ name }) => regex.test(name));
  if (chosen.length > 0) return chosen;
  const known = cases.map(({ name }) => name).join(", ");
  throw new MillraceError("not_found", `no case matches ${JSON.stringify(pattern)}; there are ${known}`);
}
