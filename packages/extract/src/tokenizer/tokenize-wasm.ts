/** The tokenizer in WebAssembly: the page is copied into its memory as UTF-16, the tokens are read from there. */
import { MillraceError } from "@millrace/core";
import { tokenizerBase64 } from "./compiled.ts";
import { INTEGRATION } from "./foreign-stack.ts";
import { ATTRIBUTE_TABLE, TAG_TABLE } from "./name-table.ts";
import { MATH_ID, SVG_ID, TAG_TRAITS } from "./tag-traits.ts";
import { TOKEN_WORDS, type Tokenize, type Tokens, tagId } from "./tokens.ts";

/** Where the kernel looks for its tables and the page: assembly/layout.ts. */
const TAG_SLOTS_AT = 1_024;
const TAG_NAMES_AT = 5_120;
const TAG_LENGTHS_AT = 9_216;
const TAG_TRAITS_AT = 9_472;
const INTEGRATION_AT = 9_728;
const ATTRIBUTE_SLOTS_AT = 9_984;
const ATTRIBUTE_NAMES_AT = 14_080;
const ATTRIBUTE_LENGTHS_AT = 15_104;
const TEXT_AT = 16_384;

const WASM_PAGE_BYTES = 65_536;
/** Enough for a page of 450,000 characters and its tokens, so that most pages grow nothing: 1 MB. */
const INITIAL_PAGES = 16;
/** What the kernel finds beside the text when it starts; it grows by itself from there. */
const TOKENS_MIN_BYTES = WASM_PAGE_BYTES;
/** An instance that a page made grow beyond this is dropped after it: the spec's limit for WASM memory. */
export const KEPT_BYTES_MAX = 12 * 1_024 ** 2;

type Kernel = {
  readonly setForeignIds: (
    svg: number,
    math: number,
    p: number,
    br: number,
    mglyph: number,
    malignmark: number,
  ) => void;
  readonly setScriptId: (id: number) => void;
  readonly setBases: (tag: number, attribute: number) => void;
  readonly tokenize: (units: number) => number;
  readonly tokensAt: () => number;
};

type Memory = { readonly buffer: ArrayBuffer; readonly grow: (pages: number) => number };

/** What is used of the global `WebAssembly`, which Node's types lack. */
type WasmApi = {
  readonly validate: (bytes: Uint8Array) => boolean;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Memory: new (limits: { readonly initial: number }) => Memory;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
};

type Instance = { readonly kernel: Kernel; readonly memory: Memory; bytes: Buffer };

const { WebAssembly: wasm } = globalThis as unknown as { readonly WebAssembly?: WasmApi };
let module: object | undefined;
let kept: Instance | undefined;

/** Whether this runtime can run the kernel: its own bytes are validated, which is the exact question. */
export const isKernelSupported: boolean = wasm?.validate(Buffer.from(tokenizerBase64, "base64")) ?? false;

/**
 * Reads a page in the kernel. The words are a view of its memory, which the next page overwrites. `unavailable` when the runtime lacks
 * WebAssembly SIMD.
 */
export const tokenizeWasm: Tokenize = (html) => {
  kept ??= createInstance();
  const instance = kept;
  try {
    return run(instance, html);
  } finally {
    if (instance.memory.buffer.byteLength > KEPT_BYTES_MAX) kept = undefined;
  }
};

/** Bytes of memory held for the next page. */
export function kernelBytes(): number {
  return kept?.memory.buffer.byteLength ?? 0;
}

function run(instance: Instance, html: string): Tokens {
  const { kernel, memory } = instance;
  const missing = TEXT_AT + 2 * html.length + TOKENS_MIN_BYTES - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / WASM_PAGE_BYTES));
  if (instance.bytes.buffer !== memory.buffer) instance.bytes = Buffer.from(memory.buffer);
  instance.bytes.write(html, TEXT_AT, "utf16le");
  const count = kernel.tokenize(html.length);
  const units = new Uint16Array(memory.buffer, TEXT_AT, html.length);
  return { units, words: new Int32Array(memory.buffer, kernel.tokensAt(), count * TOKEN_WORDS), count };
}

function createInstance(): Instance {
  if (!wasm || !isKernelSupported) {
    throw new MillraceError("unavailable", "this runtime has no WebAssembly SIMD; use tokenizeJs or Node 20 or newer");
  }
  module ??= new wasm.Module(Buffer.from(tokenizerBase64, "base64"));
  const memory = new wasm.Memory({ initial: INITIAL_PAGES });
  const kernel = new wasm.Instance(module, { env: { memory } }).exports as Kernel;
  const bytes = Buffer.from(memory.buffer);
  bytes.set(TAG_TABLE.slots, TAG_SLOTS_AT);
  bytes.set(TAG_TABLE.names, TAG_NAMES_AT);
  bytes.set(TAG_TABLE.lengths, TAG_LENGTHS_AT);
  bytes.set(TAG_TRAITS, TAG_TRAITS_AT);
  bytes.set(INTEGRATION, INTEGRATION_AT);
  bytes.set(ATTRIBUTE_TABLE.slots, ATTRIBUTE_SLOTS_AT);
  bytes.set(ATTRIBUTE_TABLE.names, ATTRIBUTE_NAMES_AT);
  bytes.set(ATTRIBUTE_TABLE.lengths, ATTRIBUTE_LENGTHS_AT);
  kernel.setBases(TAG_TABLE.basis, ATTRIBUTE_TABLE.basis);
  kernel.setScriptId(tagId("script"));
  kernel.setForeignIds(SVG_ID, MATH_ID, tagId("p"), tagId("br"), tagId("mglyph"), tagId("malignmark"));
  return { kernel, memory, bytes };
}
