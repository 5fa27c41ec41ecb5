/** What a source is, by its bytes, what the server says and its name; anything that is not read is refused by name. */
import { MillraceError } from "@millrace/core";
import type { ContentType } from "./document.ts";

const BY_EXTENSION: ReadonlyMap<string, ContentType> = new Map([
  ["html", "text/html"],
  ["htm", "text/html"],
  ["xhtml", "text/html"],
  ["pdf", "application/pdf"],
  ["md", "text/markdown"],
  ["markdown", "text/markdown"],
  ["mdx", "text/markdown"],
  ["txt", "text/plain"],
  ["text", "text/plain"],
  ["rst", "text/plain"],
  ["log", "text/plain"],
]);

const BY_DECLARATION: ReadonlyMap<string, ContentType> = new Map([
  ["text/html", "text/html"],
  ["application/xhtml+xml", "text/html"],
  ["application/pdf", "application/pdf"],
  ["application/x-pdf", "application/pdf"],
  ["text/markdown", "text/markdown"],
  ["text/x-markdown", "text/markdown"],
]);

/** Declarations that say nothing, so the name and the bytes decide. */
const VAGUE: ReadonlySet<string> = new Set(["", "text/plain", "application/octet-stream", "binary/octet-stream"]);

/** First bytes of files that are met often, to say what was found. */
const MAGIC: readonly (readonly [string, string])[] = [
  ["\x89PNG", "a PNG image"],
  ["\xff\xd8\xff", "a JPEG image"],
  ["GIF8", "a GIF image"],
  ["RIFF", "a RIFF media file"],
  ["PK\x03\x04", "a ZIP archive or an office document"],
  ["\x1f\x8b", "a gzip archive"],
  ["BZh", "a bzip2 archive"],
  ["\xfd7zXZ", "an xz archive"],
  ["7z\xbc\xaf", "a 7z archive"],
  ["\x7fELF", "an ELF program"],
  ["MZ", "a Windows program"],
  ["\xca\xfe\xba\xbe", "a Java class or a Mach-O program"],
  ["\0asm", "a WebAssembly module"],
  ["SQLite format 3", "an SQLite database"],
  ["wOF", "a web font"],
  ["\xd0\xcf\x11\xe0", "an old office document"],
  ["%!PS", "PostScript"],
  ["{\\rtf", "an RTF document"],
];

/** Names without an extension, or with a made-up one, that are prose by custom. */
const PROSE_NAME =
  /^(read-?me|licen[cs]e|copying|copyright|changelog|changes|news|authors|contributing|contributors|todo|notice|history|install|faq|thanks|credits|manifesto|security|code_of_conduct)\b/i;
/** Names without an extension that are programs' input. */
const SOURCE_NAME =
  /^(makefile|gnumakefile|dockerfile|jenkinsfile|vagrantfile|gemfile|rakefile|procfile|configure|cmakelists)$/i;

const SNIFF_BYTES = 8_192;

/** What is read, for messages. */
export const READABLE = "HTML, PDF, Markdown and plain text are read";

/**
 * The type to read `bytes` as. `declared` is a Content-Type header. Throws `unsupported_type`, naming the source, what it looks
 * like and what is read. A `.gz` name is judged by what stands before it: decompress first.
 */
export function detectContentType(source: string, bytes: Uint8Array, declared?: string): ContentType {
  const head = Buffer.from(bytes.subarray(0, SNIFF_BYTES)).toString("latin1");
  const said = mediaTypeOf(declared);
  const extension = extensionOf(source);
  if (/^[\s\S]{0,1024}?%PDF-\d/.test(head)) return "application/pdf";
  const looksHtml = said === "text/html" || isHtml(head);
  // In UTF-16 every other byte of English is NUL.
  const isWide = /^(?:\xff\xfe|\xfe\xff)/.test(head) || /charset\s*=\s*["']?utf-?16/i.test(declared ?? "");
  const binary = isWide ? undefined : binaryLook(bytes.subarray(0, SNIFF_BYTES), { head, isHtml: looksHtml });
  if (said === "text/html" && binary === undefined) return "text/html";
  // A .pdf that is no PDF is a broken PDF rather than a type nobody knows: the reader says what is wrong with it.
  if (extension === "pdf" || said === "application/pdf") return "application/pdf";
  if (binary !== undefined) throw refusal(source, binary);
  const byHeader = BY_DECLARATION.get(said);
  if (byHeader) return byHeader;
  if (!VAGUE.has(said)) throw refusal(source, `declared as ${said}`);
  return byName(source, extension, { head, isText: said === "text/plain" });
}

function byName(
  source: string,
  extension: string,
  { head, isText }: { readonly head: string; readonly isText: boolean },
): ContentType {
  const known = BY_EXTENSION.get(extension);
  if (known) return known;
  const name = nameOf(source);
  if (extension !== "" && !(PROSE_NAME.test(name) && !/^(json|ya?ml|xml|js|ts|py|sh|c|h|cpp|rs|go)$/.test(extension))) {
    if (isHtml(head)) return "text/html";
    throw refusal(source, `a .${extension} file`);
  }
  if (isHtml(head)) return "text/html";
  if (SOURCE_NAME.test(name)) throw refusal(source, "a build file");
  if (head.startsWith("#!") && !isText) throw refusal(source, "a script");
  return "text/plain";
}

/** The file name of a path or URL, without `.gz`. */
function nameOf(source: string): string {
  const path = /^https?:/i.test(source) ? (URL.parse(source)?.pathname ?? source) : source;
  return (path.split(/[/\\]/).pop() ?? "").replace(/\.gz$/i, "");
}

/** Lower case, without the dot; "" when there is none. Digits alone ("notes-2.0") are a version, not a type. */
export function extensionOf(source: string): string {
  return /[^.]\.([a-z][a-z0-9+_-]{0,15})$/i.exec(nameOf(source))?.[1]?.toLowerCase() ?? "";
}

function mediaTypeOf(declared: string | undefined): string {
  const type = declared?.split(";")[0]?.trim().toLowerCase() ?? "";
  return type === "application/xhtml+xml" ? "text/html" : type;
}

function isHtml(head: string): boolean {
  return /^(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--[\s\S]*?-->\s*)*<(?:!doctype\s+html|html|head|body)[\s>]/i.test(
    head,
  );
}

/** Control characters that HTML may hold without being binary, however short it is: pages have a stray NUL, which browsers pass over. */
const STRAY_CONTROLS_MAX = 8;

/** What a file that is not text looks like, or undefined for text in any charset. */
function binaryLook(
  bytes: Uint8Array,
  { head, isHtml }: { readonly head: string; readonly isHtml: boolean },
): string | undefined {
  const magic = MAGIC.find(
    ([start]) => head.startsWith(start) && (start.length > 2 || bytes.includes(0) || start === "\x1f\x8b"),
  );
  if (magic) return magic[1];
  if (head.slice(257, 262) === "ustar") return "a tar archive";
  let controls = 0;
  let nuls = 0;
  for (const byte of bytes) {
    if (byte < 32 && (byte < 8 || byte > 13) && byte !== 27) controls++;
    if (byte === 0) nuls++;
  }
  const isMuch = controls * 100 > bytes.length && !(isHtml && controls <= STRAY_CONTROLS_MAX);
  if (nuls > 0 && (isMuch || !isHtml)) return "binary data (it holds NUL bytes)";
  return isMuch ? "binary data (it holds control characters)" : undefined;
}

function refusal(source: string, look: string): MillraceError {
  return new MillraceError("unsupported_type", `${source} is ${look}, which cannot be read; ${READABLE}`);
}
