/** One chunk of a document: the text from `start` to `end` (UTF-16, end exclusive) and the headings above it. */
export type DocumentChunk = {
  readonly start: number;
  readonly end: number;
  readonly headings: readonly string[];
  readonly page?: number;
};

/** A document as it is put into a space: what an extractor made of a source. */
export type DocumentInput = {
  /** Path or URL; putting the same source again replaces it. */
  readonly source: string;
  readonly title: string;
  readonly contentType: string;
  readonly language?: string;
  readonly text: string;
  readonly links: readonly { readonly url: string; readonly text: string }[];
  readonly chunks: readonly DocumentChunk[];
  /** Size of the source as it was read. */
  readonly bytes: number;
  /** Names the source's bytes: equal hashes mean nothing is to be done. */
  readonly sourceHash: string;
};

/** What became of a document that was put. It is durable and in the very next recall (I4, I11). */
export type PutOutcome = {
  readonly document: string;
  readonly title: string;
  readonly chunks: number;
  readonly bytes: number;
  readonly chars: number;
  readonly unchanged: boolean;
};

/** The extracted form of a document as its blob holds it, named in the log by its hash. */
export type DocumentContent = Pick<DocumentInput, "text" | "links" | "chunks">;
