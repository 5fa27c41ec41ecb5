/** Bytes to text: byte order mark, declared charset, the page's own declaration, else UTF-8 where it is valid, else what it looks like. */
import { sniffCharset } from "./sniff-charset.ts";

export type DecodeOptions = {
  /** Look for `<meta charset>` and the XML declaration. */
  readonly isHtml?: boolean;
  /** The charset of the Content-Type header. */
  readonly charset?: string | undefined;
};

/** Where the HTML standard asks for the declaration is 1,024 bytes; real pages put comments before it. */
const PRESCAN_BYTES = 4_096;

/** Made once, not for each page; each call of `decode` begins anew. */
const utf8 = new TextDecoder("utf-8");
const strictUtf8 = new TextDecoder("utf-8", { fatal: true });
const latin1 = new TextDecoder("latin1");

/** Decodes `bytes`; what is not valid in the charset becomes U+FFFD. Never throws. */
export function decodeText(bytes: Uint8Array, options: DecodeOptions = {}): string {
  const mark = byteOrderMark(bytes);
  if (mark) return new TextDecoder(mark).decode(bytes);
  const named = options.charset ?? (options.isHtml ? prescan(bytes) : undefined);
  const decoder = named === undefined ? undefined : decoderOf(named);
  // A page that says UTF-8 and is not is old windows-1252 behind a new header more often than damaged UTF-8.
  if (decoder && decoder.encoding !== "utf-8") {
    // Servers say ISO-8859-1 out of habit; bytes that are UTF-8 to the last one are no accident.
    const utf8 = decoder.encoding === "windows-1252" ? decodeUtf8(bytes) : undefined;
    return utf8 ?? decoder.decode(bytes);
  }
  if (!decoder && isIso2022Jp(bytes)) return new TextDecoder("iso-2022-jp").decode(bytes);
  return decodeUtf8(bytes) ?? fallback(bytes, decoder !== undefined);
}

/** The charset parameter of a Content-Type header. */
export function charsetOf(contentType: string | undefined): string | undefined {
  return contentType === undefined ? undefined : /charset\s*=\s*["']?([\w.:-]+)/i.exec(contentType)?.[1];
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** A few damaged bytes in declared UTF-8 cost a few marks; many mean that the declaration is wrong. */
function fallback(bytes: Uint8Array, saysUtf8: boolean): string {
  if (saysUtf8) {
    const text = new TextDecoder("utf-8").decode(bytes);
    const marks = text.split("\ufffd").length - 1;
    if (marks * 200 < text.length) return text;
  }
  return (decoderOf(sniffCharset(bytes) ?? "") ?? new TextDecoder("windows-1252")).decode(bytes);
}

/** Japanese of seven bits: valid UTF-8 to the letter, but with the escapes that begin its kanji. */
function isIso2022Jp(bytes: Uint8Array): boolean {
  const at = bytes.indexOf(0x1b);
  return at !== -1 && bytes[at + 1] === 0x24 && (bytes[at + 2] === 0x42 || bytes[at + 2] === 0x40);
}

function byteOrderMark(bytes: Uint8Array): string | undefined {
  const [first, second, third] = bytes;
  if (first === 0xef && second === 0xbb && third === 0xbf) return "utf-8";
  if (first === 0xff && second === 0xfe) return "utf-16le";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  return undefined;
}

function prescan(bytes: Uint8Array): string | undefined {
  const head = latin1.decode(bytes.subarray(0, PRESCAN_BYTES));
  const found =
    /<meta\b[^>]+\bcharset\s*=\s*["']?\s*([\w.:-]+)/i.exec(withoutComments(head)) ??
    /<\?xml[^>]+encoding\s*=\s*["']([\w.:-]+)/i.exec(head);
  // A declaration that could be read byte by byte cannot be UTF-16 (HTML standard, 13.2.3.2).
  return found?.[1] && /^utf-?16/i.test(found[1]) ? "utf-8" : found?.[1];
}

/** A declaration inside a comment declares nothing. */
function withoutComments(head: string): string {
  return head.includes("<!--") ? head.replace(/<!--[\s\S]*?(-->|$)/g, "") : head;
}

function decoderOf(label: string): InstanceType<typeof TextDecoder> | undefined {
  if (/^utf-?8$/i.test(label)) return utf8;
  try {
    return new TextDecoder(label);
  } catch {
    return undefined;
  }
}
