import type { Code } from "@millrace/core";

/** What to do about an error of each code, where its own message does not say already. */
const FIXES: Readonly<Record<Code, string | undefined>> = {
  invalid_argument: undefined,
  unauthenticated: "give the engine's key",
  forbidden: "use a key that allows it",
  blocked_address: "if the address is meant, start the engine with --allow-address HOST",
  robots_disallowed: "the site does not want the page fetched; save it in a browser and add the file",
  not_found: undefined,
  method_not_allowed: "the engine is of another version; use the same version of millrace for both",
  conflict: undefined,
  stale_epoch: "take a cursor from the stream as it is now: run it again without --after",
  sequence_gap: "run it again",
  gone: "run it again without --after: it begins at the first frame kept",
  terminal: undefined,
  too_large: "split the file, or leave it out",
  unsupported_type: "turn it into HTML, PDF, Markdown or plain text, or leave it out",
  unreadable_document: "open it in its program, save it again, and add it again",
  encrypted_document: "take the password off (qpdf --decrypt IN.pdf OUT.pdf) and add it again",
  needs_ocr: "add a text layer (ocrmypdf IN.pdf OUT.pdf) and add it again",
  needs_render: "open the page in a browser, save it as HTML, and add the file",
  no_text: "nothing to do, unless the file should hold text",
  fetch_failed: "check the address in a browser",
  fetch_unreachable: "check the address and the network, then add it again",
  provider_failed: "check that the embedding service runs and knows the model, then add it again",
  dimension_mismatch: "use another space for another embedding model",
  rate_limited: "wait and run it again",
  overloaded: "wait and run it again",
  slow_consumer: "run it again with --after the last cursor",
  timeout: "run it again",
  cancelled: undefined,
  unavailable: undefined,
  storage_full: "free space on the disk or raise --data-bytes-max, then run it again",
  storage_failed: "check the disk and the rights of the data directory",
  data_too_new: "install the newer Millrace, or choose another --data",
  data_in_use: undefined,
  port_in_use: undefined,
  internal: "this is a defect in Millrace; set MILLRACE_DEBUG=1 to see where, and report it",
};

/** One line on what to do, or undefined when the message of the error says it. */
export function fixFor(code: string): string | undefined {
  return FIXES[code as Code];
}
