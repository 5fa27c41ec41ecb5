import { CODES, type Code } from "@millrace/client";

/** What a reader can do about a code; the engine's message says what happened. */
const ADVICE: Partial<Record<Code, string>> = {
  unauthenticated: "Enter a key of this engine.",
  forbidden: "Use a key that allows it.",
  blocked_address: "Private and local addresses are not fetched unless the engine is started to allow them.",
  robots_disallowed: "The site asks crawlers not to fetch it; save the page in a browser and add the file.",
  not_found: "It may have been removed, or its name is spelt differently.",
  too_large: "Split it, or raise the limit named above when starting the engine.",
  unsupported_type: "HTML, PDF, Markdown and plain text can be read; convert it to one of them.",
  unreadable_document: "Open it in its own program and save it again.",
  encrypted_document: "Remove the password and add it again.",
  needs_ocr: "Run text recognition over it, then add it again.",
  needs_render: "The page is built by scripts; add its text or a saved copy.",
  no_text: "Check that the page or file holds text.",
  fetch_failed: "Open the address in a browser to see what it answers.",
  fetch_unreachable: "Check the address and the network, then resume or add it again.",
  rate_limited: "Wait a moment; the next try will be let through.",
  overloaded: "The engine is busy and said no rather than lose work; try again in a moment.",
  unavailable: "Check that the engine runs; this page reconnects by itself.",
  timeout: "Try again; if it stays slow, the overview shows which stage is.",
  storage_full: "Free space on the disk of the data directory; nothing was half-written.",
  conflict: "Its state has changed since; reload to see it as it is.",
  cancelled: "Start it again when you are ready.",
  gone: "Those frames are past retention; the current state is shown instead.",
};

export function adviceFor(code: Code): string {
  const { meaning, retryable } = CODES[code];
  return ADVICE[code] ?? `This means that ${meaning}.${retryable ? " It can be tried again." : ""}`;
}
