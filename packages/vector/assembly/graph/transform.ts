/**
 * From numbers to codes: unit length (cosine), centring, rotation, then bits and bytes. The build decides how a pass over the
 * numbers is done, never what it leaves.
 */
import { setQueryBytes } from "./distance";
import {
  aliveAt, bits, bytesOf, codeOf, COSINE, flipsAt, HEAD, idsAt, inputAt, isRotated, L2, lowAt, LOW_ROWS_AT, meanAt, meanSquares, metric, planesAt,
  restAt, ROWS_AT, stride, wideAt,
} from "./layout";
import { absolutes, largest, squares } from "./measures";
import {
  addBytes, centre, centreAndMeasure, dotOf, fromBytes, measure, rotate, toBytes, toBytesAndSigns, toLowBytes, toPlanes,
} from "./numbers";
import { setQueryScales, setSignFilter } from "./score";

/** (x − mean)·mean of the last transformed vector; not for l2. */
let meanDot: f32 = 0;

/** The smallest normal number, below which a scale loses digits. */
const SCALE_MIN: f32 = 1.2e-38;

/** Whether the last transformed vector was zero, which has no angle. */
let isZero: bool = false;

/** Squared length of the input; NaN or infinity when a number is. */
export function inputSquares(): f32 {
  return dotOf(inputAt, inputAt, stride);
}

/** rest = rotation of (input × unit − mean), and its measures. */
function transform(): void {
  let unit: f32 = 1;
  if (metric == COSINE) {
    const length = sqrt<f32>(inputSquares());
    isZero = length == 0;
    if (!isZero) unit = <f32>1 / length;
  }
  if (metric != L2) meanDot = unit * dotOf(inputAt, meanAt, stride) - meanSquares;
  if (isRotated) {
    centre(inputAt, unit, meanAt, restAt, stride);
    rotate(restAt, flipsAt, stride);
    measure(restAt, stride);
  } else {
    centreAndMeasure(inputAt, unit, meanAt, restAt, stride);
  }
}

@inline
function scaleFor(): f32 {
  const scale = largest / 127;
  return scale < SCALE_MIN ? 0 : scale;
}

@inline
function inverseOf(scale: f32): f32 {
  return scale == 0 ? 0 : <f32>1 / scale;
}

/** Codes the input as the next row and publishes it. The caller has checked that there is room. */
export function append(id: u32): i32 {
  transform();
  const row = <u32>load<i32>(ROWS_AT);
  const code = codeOf(row);
  // A negative scale, with negated bytes, says that the vector was zero: no angle, so cosine 0 to all.
  const scale = metric == COSINE && isZero ? -max<f32>(scaleFor(), SCALE_MIN) : scaleFor();
  store<f32>(code, sqrt<f32>(squares));
  store<f32>(code, absolutes > 0 ? squares / absolutes : 0, 4);
  store<f32>(code, metric == L2 ? -squares : meanDot, 8);
  store<f32>(code, scale, 12);
  const inverse = inverseOf(scale);
  toBytesAndSigns(restAt, inverse, bytesOf(row), code + HEAD, stride);
  if (lowAt && atomic.load<i32>(LOW_ROWS_AT) == 0) toLowBytes(restAt, inverse, lowOf(row), stride);
  store<u32>(idsAt + (<usize>row << 2), id);
  const alive = aliveAt + <usize>((row >> 5) << 2);
  atomic.store<u32>(alive, load<u32>(alive) | (<u32>1 << (row & 31)));
  atomic.store<i32>(ROWS_AT, <i32>row + 1);
  return <i32>row;
}

@inline
function lowOf(row: u32): usize {
  return lowAt + <usize>row * <usize>stride;
}

/** Codes the input as this thread's query: planes, prepared bytes, base. */
export function prepareQuery(): void {
  transform();
  codeQuery();
}

/** Makes a row this thread's query, from its codes: as near to the vector it came from as they are. */
export function prepareRow(row: u32): void {
  const code = codeOf(row);
  const scale = load<f32>(code, 12);
  fromBytes(bytesOf(row), scale, restAt, stride);
  if (lowAt) addBytes(lowOf(row), scale / 254, restAt, stride);
  measure(restAt, stride);
  meanDot = load<f32>(code, 8);
  codeQuery();
}

/** The query's codes from what the last pass left at restAt. */
function codeQuery(): void {
  const scale = scaleFor();
  // The best uniform steps of a normal distribution: 16 levels of 0.335 standard deviations (Max 1960).
  const step = <f32>0.1676 * sqrt<f32>(squares / <f32>bits);
  const halves = step > 0 ? <f32>0.5 / step : 0;
  const bytes = wideAt + <usize>stride;
  toBytes(restAt, inverseOf(scale), bytes, stride);
  toPlanes(restAt, halves, planesAt, stride, bits);
  setQueryBytes(bytes);
  const twice: f32 = metric == L2 ? 2 : 1;
  setSignFilter(squares, absolutes, <f32>bits, twice);
  setQueryScales(twice * step, twice * scale, metric == L2 ? -squares : meanDot + meanSquares);
}
