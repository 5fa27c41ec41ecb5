/** Reads a directory of documents into chunks the way the engine does: @millrace/extract, then its chunker. */
import { readFile } from "node:fs/promises";
import { relative, sep } from "node:path";
import { chunk, createExtractor, walkFiles } from "@millrace/extract";

export type CorpusChunk = {
  readonly source: string;
  readonly index: number;
  readonly title: string;
  readonly headings: readonly string[];
  readonly text: string;
};

export type Corpus = {
  readonly documents: number;
  readonly chunks: readonly CorpusChunk[];
  readonly failed: readonly { readonly source: string; readonly error: string }[];
};

const READ_AT_ONCE = 4;

/** Chunks in order of source, then index. A document that cannot be read is listed in `failed`, and the rest goes on. */
export async function readCorpus(directory: string): Promise<Corpus> {
  await using extractor = createExtractor({ workers: 2 });
  const files: string[] = [];
  for await (const file of walkFiles(directory)) files.push(file.path);
  files.sort();
  const perFile: CorpusChunk[][] = files.map(() => []);
  const failed: { source: string; error: string }[] = [];
  let next = 0;
  const reader = async () => {
    while (next < files.length) {
      const at = next++;
      const path = files[at] as string;
      const source = relative(directory, path).split(sep).join("/");
      try {
        const document = await extractor.extract({ source, bytes: await readFile(path) });
        perFile[at] = chunk(document).map(({ index, start, end, headings }) => ({
          source,
          index,
          title: document.title,
          headings,
          text: document.text.slice(start, end),
        }));
      } catch (error) {
        failed.push({ source, error: error instanceof Error ? error.message : String(error) });
      }
    }
  };
  await Promise.all(Array.from({ length: READ_AT_ONCE }, reader));
  return { documents: files.length - failed.length, chunks: perFile.flat(), failed };
}
