import { HEAD_BYTES, WORD } from "./layout.ts";
import type { Report } from "./problem.ts";
import type { Segment } from "./segment.ts";
import type { SegmentEngine } from "./segment-engine.ts";
import { readTransform, type Transform } from "./transform.ts";

/** Scratch space used: the owner's. */
const OWNER_SLOT = 0;
/** Relative error of sums in f32, for as many numbers as a row has. */
const ROUNDING = 1e-5;
/** What f32 squares lose of numbers near its least. */
const TINY = 1e-18;
/** A row whose largest number is below 127 × this is coded as zeros. */
const SCALE_MIN = Math.fround(1.2e-38);

export type CodeCheck = { readonly segment: Segment; readonly report: Report; readonly count: number };

/** A row's codes, and what its numbers about the mean are by them: within `half` of a step each. */
type Row = {
  readonly head: Float32Array;
  readonly bytes: Int8Array;
  readonly low: Int8Array | undefined;
  readonly signs: Uint8Array;
  readonly rest: Float64Array;
  readonly half: number;
  readonly isZero: boolean;
};

/** Codes rows again from what they decode to and compares, within what coding leaves out. */
export function checkCodes({ segment, report, count }: CodeCheck): void {
  const { rows, memory, layout, shape } = segment;
  const checked = Math.min(count, rows);
  if (checked === 0) return;
  const engine = segment.engine(OWNER_SLOT);
  const transform = readTransform(memory, layout, shape.dims);
  for (let at = 0; at < checked; at++) {
    const row = Math.floor(((at + 0.5) * rows) / checked);
    const codes = readRow(segment, row);
    const problem =
      headProblem(codes) ?? numberProblem(segment, codes) ?? biasProblem(segment, codes, { engine, row, transform });
    if (problem) report("code", row, problem);
  }
}

function readRow(segment: Segment, row: number): Row {
  const { memory, layout, shape } = segment;
  const { buffer } = memory;
  const { stride, codeStride, codesAt, bytesAt, lowAt } = layout;
  const head = new Float32Array(buffer, codesAt + row * codeStride, 4);
  const signs = new Uint8Array(buffer, codesAt + row * codeStride + HEAD_BYTES, stride / 8);
  const bytes = new Int8Array(buffer, bytesAt + row * stride, stride);
  const kept = shape.hasLow ? new Int8Array(buffer, lowAt + row * stride, stride) : undefined;
  // Rows that came after low bytes were seen to change nothing have none, which is as if they were 0.
  const isSkipped = kept && segment.state("lowMeasuredAt") > 0 && kept.every((byte) => byte === 0);
  const low = isSkipped ? undefined : kept;
  const scale = head[3] ?? 0;
  const rest = Float64Array.from(bytes, (byte, at) => scale * (byte + (low?.[at] ?? 0) / 254));
  // A negative scale, with negated bytes, marks a zero vector under cosine.
  const isZero = shape.metric === "cosine" && scale < 0;
  return { head, signs, bytes, low, rest, isZero, half: Math.abs(scale) / (low ? 508 : 2) };
}

/** Length, sign factor and scale. */
function headProblem({ head, bytes, rest, half, isZero }: Row): string | undefined {
  const [norm = 0, factor = 0, bias = 0, signed = 0] = head;
  const scale = isZero ? -signed : signed;
  if (!head.every(Number.isFinite)) return `its head is ${norm}, ${factor}, ${bias}, ${scale}`;
  const largest = bytes.reduce((most, byte) => Math.max(most, Math.abs(byte)), 0);
  if (scale < 0 || (scale > 0 && scale < SCALE_MIN)) return `its scale is ${scale}`;
  if (scale > (isZero ? SCALE_MIN : 0) && largest !== 127) return `its largest byte is ${largest}, not 127`;
  const squares = rest.reduce((sum, value) => sum + value * value, 0);
  const absolutes = rest.reduce((sum, value) => sum + Math.abs(value), 0);
  const length = Math.sqrt(squares);
  const slack = half * Math.sqrt(rest.length) + length * ROUNDING + TINY;
  if (Math.abs(norm - length) > slack) return `its length is ${norm}, that of its bytes ${length} ± ${slack}`;
  if (absolutes === 0 || norm < TINY * 10) return undefined;
  const expected = squares / absolutes;
  // Of a quotient the relative errors of both parts, of which that of Σ|r| is at most half a step each.
  const off = expected * ((2 * slack) / length + (half * rest.length) / absolutes + ROUNDING) * 1.5;
  if (Math.abs(factor - expected) > off) return `its sign factor is ${factor}, that of its bytes ${expected} ± ${off}`;
  return undefined;
}

/** Bytes and signs, number by number. */
function numberProblem({ shape, layout, words }: Segment, { bytes, low, signs, isZero }: Row): string | undefined {
  const isRotated = words[WORD.isRotated] === 1;
  for (const [at, byte] of bytes.entries()) {
    const fraction = low?.[at] ?? 0;
    if (byte === -128 || fraction === -128) return `number ${at} has the byte −128`;
    const isNegative = (((signs[at >> 3] ?? 0) >> (at & 7)) & 1) === 1;
    const code = (byte * 254 + fraction) * (isZero ? -1 : 1);
    if (code !== 0 && code < 0 !== isNegative)
      return `number ${at} has the code ${code}, its sign bit is ${isNegative}`;
    const isBeyond = at >= (isRotated ? layout.stride : shape.dims);
    if (isBeyond && (code !== 0 || isNegative)) return `number ${at} is beyond the ${shape.dims} dimensions and not 0`;
  }
  return undefined;
}

type Decoding = { readonly engine: SegmentEngine; readonly row: number; readonly transform: Transform };

/** The part of every score that is the row's alone: −|r|² for l2, else mean·r, for which the row is decoded. */
function biasProblem(segment: Segment, { head, rest, half }: Row, decoding: Decoding): string | undefined {
  const bias = head[2] ?? 0;
  const slack = half * Math.sqrt(rest.length);
  if (segment.metric === "l2") {
    const squares = rest.reduce((sum, value) => sum + value * value, 0);
    const off = 2 * Math.sqrt(squares) * slack + slack * slack + squares * ROUNDING + TINY * TINY;
    return Math.abs(bias + squares) > off ? `its bias is ${bias}; by its bytes −${squares} ± ${off}` : undefined;
  }
  const { engine, row, transform } = decoding;
  engine.exports.decodeRow(row);
  let dot = 0;
  let means = 0;
  let numbers = 0;
  for (const [at, mean] of transform.mean.entries()) {
    const value = engine.input[at] ?? 0;
    dot += mean * (value - mean);
    means += mean * mean;
    numbers += value * value;
  }
  const off = Math.sqrt(means) * slack + (Math.sqrt(means * numbers) + means) * ROUNDING + TINY * TINY;
  return Math.abs(bias - dot) > off ? `its bias is ${bias}; by its bytes ${dot} ± ${off}` : undefined;
}
