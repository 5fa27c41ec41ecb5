/** The tokenizer that is used: the faster of the two for a page's size. */
import { tokenizeJs } from "./tokenize-js.ts";
import { isKernelSupported, tokenizeWasm } from "./tokenize-wasm.ts";
import type { Tokenize } from "./tokens.ts";

/**
 * Below this many UTF-16 units the call and the copy into the kernel cost more than it saves (measured on cuts of real pages, Node 24,
 * kernel ÷ JavaScript: 128 units 0.27 ÷ 0.22 µs, 256 0.37 ÷ 0.42, 1,024 1.1 ÷ 1.8, 65,536 73 ÷ 127, 262,144 201 ÷ 344).
 */
export const KERNEL_UNITS_MIN = 256;

/**
 * Above this the text alone takes 10 of the 12 MB that an instance may keep, so that every page would need a fresh one, which eats what
 * the kernel gains (measured on joined real pages, kernel ÷ JavaScript: 2 million units 2.2 ÷ 4.7 ms, 4 million 4.1 ÷ 10.6, 10 million
 * 23 ÷ 25, 20 million 64 ÷ 49).
 */
export const KERNEL_UNITS_MAX = 5_000_000;

/**
 * Turns a decoded page into tokens; the words are overwritten by the next page. The kernel from `KERNEL_UNITS_MIN` to
 * `KERNEL_UNITS_MAX`; JavaScript for others, and where the runtime cannot run the kernel. Both give the same numbers. Time and memory are linear in the page's length.
 */
export const tokenize: Tokenize = isKernelSupported
  ? (html) => (isForKernel(html.length) ? tokenizeWasm(html) : tokenizeJs(html))
  : tokenizeJs;

function isForKernel(units: number): boolean {
  return units >= KERNEL_UNITS_MIN && units <= KERNEL_UNITS_MAX;
}
