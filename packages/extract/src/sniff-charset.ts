/** The charset of bytes that do not say theirs: by the languages that their words could be of. */
import { analyse } from "chardet";
import { SNIFF_SAMPLE_BYTES } from "./limits.ts";

/** Below it the detector has seen too little, or nothing it knows: windows-1252 is then right more often. */
const CONFIDENCE_MIN = 15;

/** Real text in two-byte charsets is far above it; what is below is Thai or the like, two of whose letters look like one. */
const TWO_BYTE_CONFIDENCE_MIN = 50;
const TWO_BYTE = /^(Shift_JIS|EUC-JP|EUC-KR|GB18030|Big5)$/;

const LESS_THAN = 0x3c;
const GREATER_THAN = 0x3e;

/** What the detector calls by the name of a standard is in the wild its Windows superset. */
const SUPERSETS: Readonly<Record<string, string>> = {
  "ISO-8859-1": "windows-1252",
  "ISO-8859-7": "windows-1253",
  "ISO-8859-8": "windows-1255",
  "ISO-8859-9": "windows-1254",
  ASCII: "windows-1252",
};

/** A label that TextDecoder knows, for bytes that are not UTF-8; undefined when it cannot be told. Never throws. */
export function sniffCharset(bytes: Uint8Array): string | undefined {
  const sample = textBeyondAscii(bytes);
  for (const { name, confidence } of analyse(sample)) {
    if (confidence < CONFIDENCE_MIN) return undefined;
    if (TWO_BYTE.test(name) && confidence < TWO_BYTE_CONFIDENCE_MIN) continue;
    const label = SUPERSETS[name] ?? name;
    if (!/^UTF/.test(name) && decodes(label, sample)) return label;
  }
  return undefined;
}

/**
 * The texts between two tags that hold a byte above 127, up to `SNIFF_SAMPLE_BYTES`: tags, scripts and English menus drown the language a
 * page is in. Safe in the multi-byte charsets of the web: none of them has `<` or `>` as a second byte.
 */
function textBeyondAscii(bytes: Uint8Array): Uint8Array {
  const sample = new Uint8Array(SNIFF_SAMPLE_BYTES);
  let used = 0;
  let start = 0;
  let isBeyond = false;
  for (let at = 0; at <= bytes.length && used < sample.length; at++) {
    const byte = bytes[at] ?? LESS_THAN;
    if (byte > 127) isBeyond = true;
    if (byte !== LESS_THAN && byte !== GREATER_THAN) continue;
    if (isBeyond) {
      const text = bytes.subarray(start, Math.min(at, start + sample.length - used));
      sample.set(text, used);
      used += text.length;
    }
    start = at + 1;
    isBeyond = false;
  }
  return sample.subarray(0, used);
}

/** Whether the sample is text in that charset; its last character may have been cut. */
function decodes(label: string, sample: Uint8Array): boolean {
  try {
    const text = new TextDecoder(label).decode(sample);
    return !text.slice(0, -2).includes("\ufffd");
  } catch {
    return false;
  }
}
