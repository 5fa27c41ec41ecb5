/** Extraction on the caller's own thread, without workers and deadlines: for benchmarks and for tools that make models. */
export { loadModel, type Model } from "./classify/model.ts";
export { decodeText } from "./decode-text.ts";
export { type HtmlInput, parseHtml } from "./html-document.ts";
export { type ParseJob, parseSource } from "./parse-source.ts";
export { tokenizeJs } from "./tokenizer/tokenize-js.ts";
export { tokenizeWasm } from "./tokenizer/tokenize-wasm.ts";
export type { Tokenize } from "./tokenizer/tokens.ts";
