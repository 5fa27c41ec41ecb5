/** Pairs from WordNet: the words of a meaning and the gloss that explains it. */
import type { PackageFile } from "./fetch-packages.ts";
import type { TextPair } from "./text-pairs.ts";

/** Every synset of the data files in their order. The format is wndb(5WN): `offset lex type count word id … | gloss`. */
export function dictionaryPairs(files: Iterable<PackageFile>): TextPair[] {
  const pairs: TextPair[] = [];
  for (const { path, bytes } of files) {
    if (!/(^|\/)dict\/data\./.test(path)) continue;
    for (const line of bytes.toString("latin1").split("\n")) {
      if (!/^\d{8} /.test(line)) continue;
      const [head, gloss] = line.split(" | ");
      if (head === undefined || gloss === undefined) continue;
      const fields = head.split(" ");
      const count = Number.parseInt(fields[3] ?? "0", 16);
      const names = Array.from({ length: count }, (_, at) => fields[4 + 2 * at] ?? "");
      const query = names.map((name) => name.replace(/\(.*\)/, "").replaceAll("_", " ")).join(" ");
      pairs.push({ query, passage: gloss.trim() });
    }
  }
  return pairs;
}
