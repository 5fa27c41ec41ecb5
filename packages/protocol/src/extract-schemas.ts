/** What a client may ask of `POST /v1/extract`. */
import Type, { type Static } from "typebox";
import {
  CACHE_MODES,
  EXTRACT_CONCURRENCY_MAX,
  EXTRACT_SOURCES_MAX,
  EXTRACT_TIMEOUT_MS_MAX,
  READ_MODES,
  SELECTOR_CHARS_MAX,
  SELECTORS_MAX,
} from "./page-document.ts";

const closed = { additionalProperties: false } as const;
const Address = Type.String({ minLength: 1, maxLength: 8_192 });

const reading = {
  mode: Type.Optional(Type.Enum([...READ_MODES])),
  selectors: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: SELECTOR_CHARS_MAX }), { minItems: 1, maxItems: SELECTORS_MAX }),
  ),
  /** Whether the answer has clean HTML as well. */
  includeHtml: Type.Optional(Type.Boolean()),
  /** Whether the answer lists every block with its score. */
  explain: Type.Optional(Type.Boolean()),
  /** Whether a page that needs a browser is given as far as it goes, instead of `needs_render`. */
  allowDegraded: Type.Optional(Type.Boolean()),
  /** From the request to the result, fetching included, of each source. */
  timeoutMs: Type.Optional(Type.Integer({ minimum: 1, maximum: EXTRACT_TIMEOUT_MS_MAX })),
  cache: Type.Optional(Type.Enum([...CACHE_MODES])),
  /** What is older is read anew. */
  maxAgeMs: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
  /** Whether robots.txt is not asked. */
  ignoreRobots: Type.Optional(Type.Boolean()),
};

/** How sources are read. */
export const ExtractOptionsSchema = Type.Object(reading, closed);

/** One source: an address, or HTML with the address its links are relative to. */
export const ExtractSourceSchema = Type.Union([
  Type.Object({ url: Address }, closed),
  Type.Object({ html: Type.String({ minLength: 1 }), url: Type.Optional(Address) }, closed),
]);

const running = {
  /** Goes on when its client leaves, and answers at once with 202 unless a stream is asked for. */
  detached: Type.Optional(Type.Boolean()),
  /** Sources worked on at once. */
  concurrency: Type.Optional(Type.Integer({ minimum: 1, maximum: EXTRACT_CONCURRENCY_MAX })),
};

/** The body of a request: `url`, `html` (with `url` as its base) or `urls`. */
export const ExtractRequestSchema = Type.Object(
  {
    url: Type.Optional(Address),
    html: Type.Optional(Type.String({ minLength: 1 })),
    urls: Type.Optional(Type.Array(Address, { minItems: 1, maxItems: EXTRACT_SOURCES_MAX })),
    ...reading,
    ...running,
  },
  closed,
);

export type ExtractOptions = Static<typeof ExtractOptionsSchema>;
export type ExtractSource = Static<typeof ExtractSourceSchema>;
export type ExtractRequest = Static<typeof ExtractRequestSchema>;

/** An extraction of several sources: its frames are in `stream`. */
export type ExtractJob = { readonly job: string; readonly stream: string; readonly total: number };
