/** Bounds of the memory package (I12), each with its reason. */

/** Chunks embedded in one hand-over to the provider: about 10 ms of the static one, so that a question never waits long behind a document. */
export const EMBED_BATCH_CHUNKS = 32;

/** Most chunks of one document: a book of 5,000 pages. Past it the file is refused instead of filling the space alone. */
export const DOCUMENT_CHUNKS_MAX = 20_000;

/** Documents stored at once over all spaces; each holds its text and vectors in memory until its commit. */
export const STORES_MAX = 8;

/** Documents waiting to be stored; the job runner hands over far fewer. */
export const STORES_WAITING_MAX = 1_000;

/** Requests waiting for one worker; a recall beyond it is refused as `overloaded`. */
export const WORKER_REQUESTS_MAX = 10_000;

/** Most spaces of one engine: a full-text table each, and SQLite reads the whole schema when it opens. */
export const SPACES_MAX = 10_000;

/** Candidates each list brings to a fusion, at least; more when more results are asked for. */
export const CANDIDATES_MIN = 100;

/** Most documents on one page of a listing. */
export const DOCUMENTS_PAGE_MAX = 1_000;

/** Chunks that one commit enters or takes out: about 50 ms of full text, which is how long an append may wait behind a large document. */
export const COMMIT_CHUNKS_MAX = 256;

/** Characters of a title or heading: it is stored, indexed and answered with every chunk under it, so a long one multiplies. */
export const LABEL_CHARS_MAX = 300;
