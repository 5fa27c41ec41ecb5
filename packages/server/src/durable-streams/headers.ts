/** The protocol's headers, as they are written. */
export const NEXT_OFFSET = "Stream-Next-Offset";
export const UP_TO_DATE = "Stream-Up-To-Date";
export const CLOSED = "Stream-Closed";
export const CURSOR = "Stream-Cursor";
export const TTL = "Stream-TTL";
export const EXPIRES_AT = "Stream-Expires-At";
export const SSE_ENCODING = "Stream-SSE-Data-Encoding";
export const PRODUCER_EPOCH = "Producer-Epoch";
export const PRODUCER_SEQ = "Producer-Seq";
export const PRODUCER_EXPECTED = "Producer-Expected-Seq";
export const PRODUCER_RECEIVED = "Producer-Received-Seq";

/** What a page of another origin could send, were it allowed in; see the handler's `preflight`. */
export const REQUEST_HEADERS =
  `content-type, authorization, if-none-match, stream-seq, stream-ttl, stream-expires-at, stream-closed,
  producer-id, producer-epoch, producer-seq, stream-forked-from, stream-fork-offset, stream-fork-sub-offset`.replace(
    /\s+/g,
    " ",
  );
