/** Every bound of extraction, with its reason. Sizes in bytes, times in milliseconds. */

/** Largest HTML, Markdown or text source: real pages stay far below; larger ones would hold a worker for seconds. */
export const HTML_BYTES_MAX = 20 * 1024 * 1024;

/** Largest PDF source: a scanned book; it is copied once into the child process. */
export const PDF_BYTES_MAX = 100 * 1024 * 1024;

/** Largest output of decompressing a `.gz` source: the larger of the two above, so that a bomb stops where a plain file would. */
export const GUNZIP_BYTES_MAX = PDF_BYTES_MAX;

/** Extracted text of one document, in characters: bounds the memory of what follows (chunks, vectors, full text). */
export const TEXT_CHARS_MAX = 16 * 1024 * 1024;

/** Blocks of one page: a page of single-letter cells would otherwise cost far more memory than its bytes. */
export const BLOCKS_MAX = 400_000;

/** Open elements at once; deeper ones are read as text of the last. Real pages stay below 300. */
export const DEPTH_MAX = 2_000;

/** Characters of a title, and of a heading in a chunk's path: both go with every chunk, so a long one multiplies. */
export const LABEL_CHARS_MAX = 300;

/** Links kept of one document: an index page has hundreds, a crawler trap any number. */
export const LINKS_MAX = 10_000;

/** Pages of one PDF: beyond a dictionary; bounds the child's time and the page list. */
export const PDF_PAGES_MAX = 20_000;

/** Time of one HTML, Markdown or text job: 20 MB parse in about 2 s, so ten times that is stuck. */
export const PARSE_TIMEOUT_MS = 20_000;

/** Time of one PDF job: at 400 pages/s the page limit needs 50 s. */
export const PDF_TIMEOUT_MS = 120_000;

/** Jobs waiting for a parse worker; one more is refused with `overloaded`, so that waiting bytes stay bounded. */
export const PARSE_WAITING_MAX = 64;

/** PDF jobs waiting for a child process. */
export const PDF_WAITING_MAX = 64;

/** PDF child processes at once: two at 200 MB each is the memory this engine grants to PDFs. */
export const PDF_CHILDREN_MAX = 2;

/** JavaScript heap of a PDF child, in MB: the assembled text of `PDF_PAGES_MAX` pages fits several times. */
export const PDF_HEAP_MB = 256;

/** WASM memory of a PDF child: the largest source plus what PDFium needs for one page; growth beyond it fails the job. */
export const PDF_WASM_BYTES_MAX = 512 * 1024 * 1024;

/** Jobs after which a parse worker is retired: bounds what a slow leak or heap fragmentation can add up to. */
export const WORKER_JOBS_MAX = 1_000;

/** JavaScript heap of a parse worker, in MB: the block list of the largest page takes about 300. */
export const WORKER_HEAP_MB = 768;

/** Time to open a connection: three lost SYN packets. */
export const CONNECT_TIMEOUT_MS = 3_000;

/** Time of one fetch with all its redirects. */
export const FETCH_TIMEOUT_MS = 20_000;

/** Redirects followed: what browsers' users ever meet is below 5. */
export const REDIRECTS_MAX = 10;

/** Directory depth of `walkFiles`: deeper is a loop by mounts or a generated tree. */
export const WALK_DEPTH_MAX = 64;

/** Files one walk may yield; a caller that wants more names the folders. */
export const WALK_FILES_MAX = 200_000;
