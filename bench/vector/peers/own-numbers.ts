/** Numbers in memory of one thread: native code may not read typed arrays over shared memory, and is free to crash. */
export function ownNumbers(numbers: Float32Array): Float32Array {
  return numbers.buffer instanceof SharedArrayBuffer ? Float32Array.from(numbers) : numbers;
}
