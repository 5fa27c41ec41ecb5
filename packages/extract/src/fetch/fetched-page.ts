/** In milliseconds. */
export type FetchTimings = {
  /** Waiting: for robots.txt, for a turn at the origin, between tries. */
  readonly queuedMs: number;
  /** Of the connection opened last for it; absent when one was open, as after asking for robots.txt. */
  readonly dnsMs?: number;
  /** TCP and TLS. */
  readonly connectMs?: number;
  /** From the last request to its first byte. */
  readonly firstByteMs: number;
  /** From the call to the last byte. */
  readonly totalMs: number;
};

export type FetchedPage = {
  /** Where the redirects ended, those by `<meta http-equiv=refresh>` included. */
  readonly finalUrl: string;
  /** 200 … 299, or 304. */
  readonly status: number;
  /** The Content-Type header, "" without one. */
  readonly contentType: string;
  /** The body, decompressed; empty with 304. */
  readonly bytes: Uint8Array;
  /** For `conditional` the next time; absent where a page sent on to this one. */
  readonly etag?: string;
  readonly lastModified?: string;
  /** The site asks that no shared cache keep it: `no-store` or `private` in Cache-Control, or `Vary: *` (RFC 9111, 3 and 4.1). */
  readonly forbidsStoring?: boolean;
  /** The addresses that redirected, in order; the first is the one asked for. Empty when it answered itself. */
  readonly redirects: readonly string[];
  /** The page is unchanged since the `conditional` that was sent. */
  readonly fromStatus304?: boolean;
  /** What X-Robots-Tag and `<meta name=robots>` ask for, lower case: "noindex", "nofollow", … */
  readonly robotsDirectives: readonly string[];
  readonly timings: FetchTimings;
  /** How often it was tried; 1 when the first try succeeded. */
  readonly attempts: number;
};
