/** From codes back to numbers, to code a row again in another segment. */
import { bytesOf, codeOf, COSINE, flipsAt, inputAt, isRotated, lowAt, meanAt, metric, stride } from "./layout";
import { addBytes, addNumbers, fromBytes, rotateBack } from "./numbers";

/** input = mean + inverse rotation of the row's numbers, which its bytes give within half a step. */
export function decodeRow(row: u32): void {
  const scale = load<f32>(codeOf(row), 12);
  fromBytes(bytesOf(row), scale, inputAt, stride);
  if (lowAt) addBytes(lowAt + <usize>row * <usize>stride, scale / 254, inputAt, stride);
  if (isRotated) rotateBack(inputAt, flipsAt, stride);
  addNumbers(meanAt, inputAt, stride);
  for (let at = load<i32>(8); at < stride; at++) store<f32>(inputAt + (<usize>at << 2), 0);
  // A zero vector is zero again, not what rounding left of it, which would be brought to unit length.
  if (metric == COSINE && scale < 0) memory.fill(inputAt, 0, <usize>stride << 2);
}
