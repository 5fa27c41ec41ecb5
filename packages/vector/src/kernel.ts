import { assert, MillraceError } from "@millrace/core";
import { relaxedBase64, simdBase64 } from "./kernels/compiled.ts";
import { createScalarScan } from "./kernels/scalar.ts";

/** `relaxed` and `simd` are WebAssembly, `scalar` is JavaScript; all three return the same bits. */
export const KERNEL_NAMES = ["relaxed", "simd", "scalar"] as const;
export type KernelName = (typeof KERNEL_NAMES)[number];

/** What one scan of a block needs besides the block. Addresses are bytes in the segment's memory. */
export type ScanArguments = {
  readonly block: number;
  readonly rows: number;
  /** Bytes of one row: the dimensions rounded up to 16. */
  readonly stride: number;
  readonly query: number;
  readonly alpha: number;
  readonly base: number;
  readonly threshold: number;
  readonly out: number;
};

/**
 * Scores the rows of one block: dot(codes, query) × scale × alpha + bias + base in f32, and writes (row u32, score f32) pairs
 * at `out` for scores at or above `threshold`, in row order. Returns the number of pairs. Rows with a NaN scale never pass.
 */
export type Scan = (args: ScanArguments) => number;

export type Kernel = {
  readonly name: KernelName;
  readonly scan: Scan;
  /** Writes query codes (−127..127, `stride` of them) in the form the scan reads: 2 × stride bytes at `address`. */
  readonly writeQuery: (codes: Int8Array, address: number) => void;
};

type WasmScan = (
  block: number,
  rows: number,
  stride: number,
  query: number,
  alpha: number,
  base: number,
  threshold: number,
  out: number,
) => number;

type WasmName = Exclude<KernelName, "scalar">;

const BASE64: Record<WasmName, string> = { relaxed: relaxedBase64, simd: simdBase64 };
const modules = new Map<WasmName, WebAssembly.Module | undefined>();

/** Whether this runtime can run the kernel: its own bytes are validated, which is the exact question. */
export function isKernelSupported(name: KernelName): boolean {
  return name === "scalar" || moduleOf(name) !== undefined;
}

/** The fastest kernel of this runtime: relaxed, else simd, else scalar. */
export function bestKernel(): KernelName {
  return KERNEL_NAMES.find(isKernelSupported) ?? "scalar";
}

/** Binds a kernel to a shared memory. `unavailable` when the runtime lacks its instructions. */
export function createKernel(name: KernelName, memory: WebAssembly.Memory): Kernel {
  if (name === "scalar") return { name, scan: createScalarScan(memory), writeQuery: writeWideQuery(memory) };
  const module = moduleOf(name);
  if (!module) throw new MillraceError("unavailable", `this runtime cannot run the ${name} kernel; use "scalar"`);
  const { scan } = new WebAssembly.Instance(module, { env: { memory } }).exports;
  assert(typeof scan === "function", "a kernel exports scan");
  const run = scan as WasmScan;
  return {
    name,
    scan: ({ block, rows, stride, query, alpha, base, threshold, out }) =>
      run(block, rows, stride, query, alpha, base, threshold, out),
    writeQuery: name === "simd" ? writeWideQuery(memory) : writeSignedQuery(memory),
  };
}

function moduleOf(name: WasmName): WebAssembly.Module | undefined {
  if (!modules.has(name)) {
    const bytes = Uint8Array.from(atob(BASE64[name]), (char) => char.charCodeAt(0));
    modules.set(name, WebAssembly.validate(bytes) ? new WebAssembly.Module(bytes) : undefined);
  }
  return modules.get(name);
}

/** Codes as i16, one after the other. */
function writeWideQuery(memory: WebAssembly.Memory): Kernel["writeQuery"] {
  return (codes, address) => new Int16Array(memory.buffer, address, codes.length).set(codes);
}

/** For every 16 codes: 16 magnitudes, then 16 masks (0 for positive, −1 for negative). */
function writeSignedQuery(memory: WebAssembly.Memory): Kernel["writeQuery"] {
  return (codes, address) => {
    const out = new Int8Array(memory.buffer, address, codes.length * 2);
    for (let at = 0; at < codes.length; at++) {
      const code = codes[at] ?? 0;
      const to = (at >> 4) * 32 + (at & 15);
      out[to] = Math.abs(code);
      out[to + 16] = code < 0 ? -1 : 0;
    }
  };
}
