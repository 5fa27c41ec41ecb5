/** A document on its way into the store: labels cut, chunks in the commits that enter them. */
import type { DocumentInput } from "./document.ts";
import { COMMIT_CHUNKS_MAX, LABEL_CHARS_MAX } from "./limits.ts";
import type { ChunkInput, ChunksArgs, PutDocumentArgs } from "./store/memory-module.ts";

/** All of a document but its chunks. */
export type About = Omit<PutDocumentArgs, "chunks" | "vectors" | "staged">;

/** The durable record of a document: everything its views are rebuilt from, the text by the name of its blob. */
export function recordOf(about: About, chunks: number): Record<string, unknown> {
  const { document, source, title, contentType, language, sourceHash, contentHash, bytes, chars } = about;
  return {
    document,
    source,
    title,
    contentType,
    language,
    sourceHash,
    text: contentHash,
    bytes,
    chars,
    chunks,
  };
}

/** A title and a heading are stored and indexed with every chunk under them, so that a long one would multiply. */
export function withShortLabels(input: DocumentInput): DocumentInput {
  const short = (label: string) => (label.length > LABEL_CHARS_MAX ? label.slice(0, LABEL_CHARS_MAX).trimEnd() : label);
  const chunks = input.chunks.map((chunk) => ({ ...chunk, headings: chunk.headings.map(short) }));
  return { ...input, title: short(input.title), chunks };
}

/** The chunks in the commits that enter them. Vectors are copied apart: a view would travel with the whole array behind it. */
export function slicesOf(
  { space, vectorSet, document, title }: About,
  chunks: readonly ChunkInput[],
  vectors: Float32Array,
): ChunksArgs[] {
  const dims = vectors.length / chunks.length;
  const slices: ChunksArgs[] = [];
  for (let at = 0; at < chunks.length; at += COMMIT_CHUNKS_MAX) {
    const slice = chunks.slice(at, at + COMMIT_CHUNKS_MAX);
    const sliceVectors = vectors.slice(at * dims, (at + slice.length) * dims);
    slices.push({ space, vectorSet, document, title, chunks: slice, vectors: sliceVectors });
  }
  return slices;
}

export function toChunkInput(
  text: string,
  { start, end, headings, page }: DocumentInput["chunks"][number],
  number: number,
): ChunkInput {
  return { number, start, end, headings, page: page ?? null, text: text.slice(start, end) };
}
