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
export const BLOCKS_MAX = 100_000;

/** Open elements at once; deeper ones are read as text of the last. Real pages stay below 300. */
export const DEPTH_MAX = 2_000;

/** Characters of a title, and of a heading in a chunk's path: both go with every chunk, so a long one multiplies. */
export const LABEL_CHARS_MAX = 300;

/** Links kept of one document: an index page has hundreds, a crawler trap any number. */
export const LINKS_MAX = 10_000;

/** Images, videos and sounds kept of one document: galleries have hundreds. */
export const MEDIA_MAX = 2_000;

/** Tables of values kept of one document; the Markdown has them all. */
export const TABLES_MAX = 1_000;

/** Columns of a table: beyond it a row is no line that anybody reads, and spans could ask for any number. */
export const TABLE_COLUMNS_MAX = 64;

/** List items and quotes one in the other: each adds an indent to every line inside; deeper ones share the last. */
export const LIST_DEPTH_MAX = 12;

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

/** Parse workers of one extractor: beyond the cores they only add memory. */
export const WORKERS_MAX = 16;

/** What a parse worker may hold after a job (committed heap, buffers, WASM) before it is retired: a new one holds 70 MB, after most pages up to 165 (measured). */
export const WORKER_MEMORY_BYTES_MAX = 192 * 1024 * 1024;

/** Time a worker has with a job that nobody waits for any more before it is ended: a new worker takes longer to start. */
export const WORKER_GRACE_MS = 100;

/** Time to open a connection: three lost SYN packets. */
export const CONNECT_TIMEOUT_MS = 3_000;

/** Time of one fetch with all its redirects. */
export const FETCH_TIMEOUT_MS = 20_000;

/** Redirects followed: what browsers' users ever meet is below 5. */
export const REDIRECTS_MAX = 10;

/** Longest address: what servers and browsers agree to carry. */
export const URL_CHARS_MAX = 8_192;

/** Longest time a caller may give one fetch. */
export const FETCH_TIMEOUT_MS_MAX = 600_000;

/** Fetches of one fetcher at once, waiting ones included; one more is refused with `overloaded`. Bounds sockets and queues. */
export const FETCHES_MAX = 1_024;

/** Connections to one origin: as many as browsers open. */
export const ORIGIN_CONNECTIONS_MAX = 6;

/** Allow lists with connection pools of their own; the least recently used one is closed. */
export const ALLOW_LISTS_MAX = 16;

/** Origins whose rate, health and robots.txt are remembered, in order of use: some 1 KB each without rules. */
export const ORIGINS_MAX = 10_000;

/** Header bytes of one answer: servers send below 16 KB. */
export const HEADER_BYTES_MAX = 65_536;

/** Content codings of one answer, one inside the other: servers use one, proxies add a second; more is a trick. */
export const CODINGS_MAX = 2;

/** Decompressed bytes for each one received, from `RATIO_FREE_BYTES` on: pages reach 50, the densest logs 150, bombs 1,000 and more. */
export const DECOMPRESSION_RATIO_MAX = 200;

/** What may be decompressed at any ratio: a small page of one repeated row is no danger. */
export const RATIO_FREE_BYTES = 4 * 1024 * 1024;

/** Window of zstd, as a power of two: 8 MB, which RFC 9659 lets servers count on and which bounds a decoder's memory. */
export const ZSTD_WINDOW_LOG_MAX = 23;

/** Tries after the first one. */
export const RETRIES_MAX = 3;

/** Wait before the first retry; doubled for each further one, and half of it drawn by chance so that clients do not fall in step. */
export const RETRY_DELAY_MS = 250;

/** Longest wait before a retry, asked for by the server or not: a caller is told to come back rather than held. */
export const RETRY_DELAY_MS_MAX = 10_000;

/** Longest time a server's Retry-After silences its origin: a wrong header must not close a site for days. */
export const RETRY_AFTER_MS_MAX = 300_000;

/** Pages a second from one origin, on average, and at once after a pause: about what a person clicks. */
export const ORIGIN_RATE_PER_SECOND = 1.5;
export const ORIGIN_BURST = 3;

/** Pages waiting for their turn at one origin: at 1.5 a second the last one would wait 5 minutes. */
export const ORIGIN_WAITING_MAX = 450;

/** Failures in a row that close an origin, for how long, and successes in a row that open it again. */
export const BREAKER_FAILURES = 5;
export const BREAKER_OPEN_MS = 30_000;
export const BREAKER_PROBES = 3;

/** A timeout is the server's failure when it had this long: a caller in a hurry must not close an origin for others. */
export const TIMEOUT_BLAMED_MS = 1_000;

/** How long robots.txt is trusted; RFC 9309, 2.4 allows a day. */
export const ROBOTS_TTL_MS = 3_600_000;

/** How long a robots.txt that answered 5xx forbids all before it is asked for again. */
export const ROBOTS_ERROR_TTL_MS = 60_000;

/** Bytes of robots.txt that are read: the least RFC 9309, 2.5 asks for. */
export const ROBOTS_BYTES_MAX = 500 * 1024;

/** Redirects of robots.txt; RFC 9309, 2.3.1.2. */
export const ROBOTS_REDIRECTS_MAX = 5;

/** Time for robots.txt, shared by all who wait for it. */
export const ROBOTS_TIMEOUT_MS = 10_000;

/** Longest Crawl-delay heeded: longer ones are mistakes, or meant as a ban that Disallow would say. */
export const CRAWL_DELAY_MS_MAX = 60_000;

/** Sitemaps kept of one robots.txt. */
export const SITEMAPS_MAX = 100;

/** Bytes of a page looked through for `<meta name=robots>`: it stands in the head. */
export const ROBOTS_META_BYTES = 16_384;

/** Bytes of a page looked through for `<meta http-equiv=refresh>`: what only sends on is far shorter, and elsewhere it stands in the head. */
export const META_REFRESH_BYTES = 16_384;

/** Longest delay of a `<meta http-equiv=refresh>` that is followed: nobody reads a page in less; longer ones load a page of news again. */
export const META_REFRESH_SECONDS_MAX = 5;

/** Bytes of words beyond ASCII from which an undeclared charset is guessed: more costs 1 ms a KB and does not make it better. */
export const SNIFF_SAMPLE_BYTES = 4_096;

/** Directory depth of `walkFiles`: deeper is a loop by mounts or a generated tree. */
export const WALK_DEPTH_MAX = 64;

/** Files one walk may yield; a caller that wants more names the folders. */
export const WALK_FILES_MAX = 200_000;

/** Elements that selectors may choose of one page; more is a selector that means the page. */
export const SELECTED_ELEMENTS_MAX = 10_000;

/** Characters below which the text of a page that needs a browser is too poor to be given as its result. */
export const POOR_TEXT_CHARS = 250;

/** Time from a request to its result when the caller names none: a fetch and a reading. */
export const READ_TIMEOUT_MS = 30_000;

/** `meta` tags read of one page: news pages have below 100. */
export const META_TAGS_MAX = 400;

/** Characters kept of one `meta` value: descriptions and keyword lists end below. */
export const META_CHARS_MAX = 4_000;

/** Elements of one page looked at as its author, and as many as its date: those that count come first. */
export const FACT_CANDIDATES_MAX = 64;

/** Scripts of structured data read of one page; shops write one for each product of a list. */
export const STRUCTURED_SCRIPTS_MAX = 64;

/** Characters of JSON parsed of one page for its metadata, and as many for its text: parsing costs about 1 ms for 100,000. */
export const STRUCTURED_CHARS_MAX = 2_000_000;

/** Nesting of JSON that is walked or handed out; data of sites stays below 30. */
export const STRUCTURED_DEPTH_MAX = 64;

/** Page cache, in memory: about 3,000 extracted pages of 20 KB. */
export const CACHE_MEMORY_BYTES = 64 * 1024 * 1024;

/** Page cache, on disk, after compression: some 100,000 extracted pages. */
export const CACHE_DISK_BYTES = 1024 * 1024 * 1024;

/** One cached value; a larger one is not kept, since it would drive out hundreds of pages. */
export const CACHE_ENTRY_BYTES_MAX = 16 * 1024 * 1024;

/** Counted for each cached value beside its bytes: key, list links, index rows. */
export const CACHE_ENTRY_OVERHEAD_BYTES = 512;

/** How long a cached page is served without asking again. */
export const CACHE_TTL_MS = 3_600_000;

/** How long after that it is served at once while it is fetched again. */
export const CACHE_STALE_MS = 86_400_000;

/** How long a lasting failure is repeated from memory: long enough for a burst, short enough for a page that is mended. */
export const CACHE_NEGATIVE_TTL_MS = 60_000;

/** Remembered failures; each is a short message. */
export const CACHE_NEGATIVE_MAX = 10_000;

/** Refreshes in the background at once: they must not take the fetches of those who wait. */
export const CACHE_REFRESHES_MAX = 4;

/** Time of one background refresh: the time of a fetch, of reading it, and a reserve. */
export const CACHE_REFRESH_TIMEOUT_MS = 60_000;

/** Pause after a refresh that failed: without it each request of a stale page would try again. */
export const CACHE_REFRESH_PAUSE_MS = 30_000;

/** Tags of one cached value, and characters of a tag. */
export const CACHE_TAGS_MAX = 16;
export const CACHE_TAG_CHARS_MAX = 200;

/** Bytes on their way to the disk; values beyond them stay in memory only. */
export const CACHE_WRITING_BYTES_MAX = 64 * 1024 * 1024;

/** Uses noted in memory before they are written to the disk's order of use. */
export const CACHE_TOUCHES_MAX = 1_024;

/** A value stored this far in the future was written under a wrong clock and is not served. */
export const CACHE_CLOCK_SKEW_MS = 60_000;

/** Time in which an outcome of the gate loses half its weight: sites change how they are built in months, and are moved in days. */
export const GATE_HALF_LIFE_MS = 7 * 86_400_000;

/** Domains whose outcomes the gate remembers: about 2 MB. */
export const GATE_DOMAINS_MAX = 10_000;

/** Share of pages that may use a browser: each costs a thousand times a static one. */
export const HEADLESS_SHARE = 0.15;

/** Pages that may use a browser before the share is earned: as many as are rendered at once. */
export const HEADLESS_BURST = 3;

/** The two caches of pages, in memory and on disk: bytes as they came, of a few hundred pages of 295 KB, and what was made of some thousands. */
export const PAGES_MEMORY_BYTES = 32 * 1024 * 1024;
export const PAGES_DISK_BYTES = 512 * 1024 * 1024;
export const DOCUMENTS_MEMORY_BYTES = 32 * 1024 * 1024;
export const DOCUMENTS_DISK_BYTES = 512 * 1024 * 1024;

/** Characters of a block in an explanation: enough to know it by; the text itself has the rest. */
export const EXPLAINED_CHARS_MAX = 300;
