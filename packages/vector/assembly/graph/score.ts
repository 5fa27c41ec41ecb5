/**
 * Estimates of similarity. With r = x − mean for a row and p = q − mean for a query: cosine and dot q·x = p·r + mean·r + q·mean,
 * l2 −|q − x|² = 2 p·r − |r|² − |p|²; only p·r is estimated, the rest is a row's bias and a query's base.
 */
import { dotBytes, dotQuery, hamming, hammingPlanes, hammingSigns } from "./distance";
import { bits, bytesOf, codeOf, COSINE, HEAD, L2, lowAt, metric, planesAt, restAt, stride, words } from "./layout";
import { fineDot, fineSquares } from "./numbers";

/** Query: what the sum over planes, and that over bytes, is multiplied with; what is added. */
export let planeScale: f32 = 0;
export let byteScale: f32 = 0;
export let base: f32 = 0;

export function setQueryScales(plane: f32, byte: f32, added: f32): void {
  planeScale = plane;
  byteScale = byte;
  base = added;
}

/** Standard deviations by which a row's score by its signs alone may fall short of what is expected of the last one kept. */
const SIGNS_SLACK: f32 = 2;
/** Query: what the sum over signs alone is multiplied with; what is allowed for; the share of a score that signs alone are expected to show. */
let signScale: f32 = 0;
let signSlack: f32 = 0;
let signShare: f32 = 0;

/**
 * Of a query p of `count` numbers whose squares and absolute values sum up to those given. Rows' signs against the query's signs show
 * (sum |p|)² / (count × sum p²) of the variance of rows' signs against p: 2/π where p is normally distributed.
 */
export function setSignFilter(squares: f32, absolutes: f32, count: f32, twice: f32): void {
  signShare = squares > 0 ? (absolutes / count) * (absolutes / squares) : 0;
  signScale = (twice * absolutes) / count;
  signSlack = SIGNS_SLACK * twice * sqrt<f32>(signShare * max<f32>(0, 1 - signShare) * squares);
}

/** Whether a row's signs alone say that its planeScore is most likely below `least`: a quarter of the work, and nearly all rows of a scan. */
@inline
export function isFarBySigns(row: u32, least: f32): bool {
  const code = codeOf(row);
  const sum = bits - (hammingSigns(code + HEAD, planesAt, words) << 1);
  const shown = (<f32>sum * signScale + signSlack) * load<f32>(code, 4);
  return shown < signShare * (least - base - load<f32>(code, 8));
}

@inline
function factor(): f32 {
  return metric == L2 ? 2 : 1;
}

/** Two rows by their signs: the angle from the share of differing bits, the lengths from the heads. */
@inline
export function signScore(a: usize, b: usize): f32 {
  const agree = <f32>(bits - (hamming(a + HEAD, b + HEAD, words) << 1)) / <f32>bits;
  const square = agree * agree;
  const cosine = agree * (<f32>1.5706268 - square * (<f32>0.6432292 - square * <f32>0.0727102));
  return factor() * cosine * load<f32>(a) * load<f32>(b) + load<f32>(a, 8) + load<f32>(b, 8);
}

@inline
export function byteScore(a: u32, b: u32): f32 {
  const x = codeOf(a);
  const y = codeOf(b);
  const dot = <f32>dotBytes(bytesOf(a), bytesOf(b), stride);
  return factor() * dot * load<f32>(x, 12) * load<f32>(y, 12) + load<f32>(x, 8) + load<f32>(y, 8);
}

/** A row against the query's planes: sum of ±(2u − 15) is 15 bits − 2 × the weighted Hamming distance. */
@inline
export function planeScore(row: u32): f32 {
  const code = codeOf(row);
  const sum = 15 * bits - (hammingPlanes(code + HEAD, planesAt, words) << 1);
  return <f32>sum * planeScale * load<f32>(code, 4) + load<f32>(code, 8) + base;
}

@inline
export function queryByteScore(row: u32): f32 {
  const code = codeOf(row);
  return <f32>dotQuery(row) * byteScale * load<f32>(code, 12) + load<f32>(code, 8) + base;
}

/**
 * By the query's numbers and both bytes of the row's, without rounding of the query: for near-duplicates, whose distances differ
 * by less than the steps of one byte. l2 and cosine sum squared differences, so that nothing cancels.
 */
export function fineScore(row: u32): f32 {
  const code = codeOf(row);
  const scale = load<f32>(code, 12);
  const low = lowAt + <usize>row * <usize>stride;
  if (metric == L2) return -fineSquares(restAt, bytesOf(row), low, scale, stride);
  if (metric == COSINE) return scale < 0 ? 0 : 1 - <f32>0.5 * fineSquares(restAt, bytesOf(row), low, scale, stride);
  return fineDot(restAt, bytesOf(row), low, scale, stride) + load<f32>(code, 8) + base;
}

/** A key that sorts ascending as scores do descending; NaN sorts last. */
@inline
export function keyOf(score: f32, row: u32): u64 {
  const bits = reinterpret<u32>(-score);
  const sortable = bits ^ (<u32>(<i32>bits >> 31) | 0x80000000);
  return (<u64>sortable << 32) | (<u64>row << 1);
}

@inline
export function scoreOf(key: u64): f32 {
  const sortable = <u32>(key >> 32);
  const bits = sortable ^ (sortable & 0x80000000 ? 0x80000000 : 0xffffffff);
  return -reinterpret<f32>(bits);
}

@inline
export function rowOf(key: u64): u32 {
  return (<u32>key) >> 1;
}
