/**
 * Passes over the numbers of a vector, of the build: numbers-simd.ts and rotation-simd.ts say what they do, the scalar files are
 * their twins and leave the same bytes.
 */
import * as scalar from "./numbers-scalar";
import * as simd from "./numbers-simd";
import * as scalarRotation from "./rotation-scalar";
import * as simdRotation from "./rotation-simd";

@inline
export function dotOf(a: usize, b: usize, count: i32): f32 {
  return ASC_FEATURE_SIMD ? simd.dotOf(a, b, count) : scalar.dotOf(a, b, count);
}

@inline
export function centre(from: usize, factor: f32, mean: usize, to: usize, count: i32): void {
  if (ASC_FEATURE_SIMD) simd.centre(from, factor, mean, to, count);
  else scalar.centre(from, factor, mean, to, count);
}

@inline
export function measure(at: usize, count: i32): void {
  if (ASC_FEATURE_SIMD) simd.measure(at, count);
  else scalar.measure(at, count);
}

@inline
export function centreAndMeasure(from: usize, factor: f32, mean: usize, to: usize, count: i32): void {
  if (ASC_FEATURE_SIMD) simd.centreAndMeasure(from, factor, mean, to, count);
  else scalar.centreAndMeasure(from, factor, mean, to, count);
}

@inline
export function toBytes(at: usize, inverse: f32, bytes: usize, count: i32): void {
  if (ASC_FEATURE_SIMD) simd.toBytes(at, inverse, bytes, count);
  else scalar.toBytes(at, inverse, bytes, count);
}

@inline
export function toBytesAndSigns(at: usize, inverse: f32, bytes: usize, signs: usize, count: i32): void {
  if (ASC_FEATURE_SIMD) simd.toBytesAndSigns(at, inverse, bytes, signs, count);
  else scalar.toBytesAndSigns(at, inverse, bytes, signs, count);
}

@inline
export function toLowBytes(at: usize, inverse: f32, low: usize, count: i32): void {
  if (ASC_FEATURE_SIMD) simd.toLowBytes(at, inverse, low, count);
  else scalar.toLowBytes(at, inverse, low, count);
}

@inline
export function fromBytes(bytes: usize, scale: f32, to: usize, count: i32): void {
  if (ASC_FEATURE_SIMD) simd.fromBytes(bytes, scale, to, count);
  else scalar.fromBytes(bytes, scale, to, count);
}

@inline
export function addBytes(bytes: usize, scale: f32, to: usize, count: i32): void {
  if (ASC_FEATURE_SIMD) simd.addBytes(bytes, scale, to, count);
  else scalar.addBytes(bytes, scale, to, count);
}

@inline
export function addNumbers(numbers: usize, to: usize, count: i32): void {
  if (ASC_FEATURE_SIMD) simd.addNumbers(numbers, to, count);
  else scalar.addNumbers(numbers, to, count);
}

@inline
export function fineDot(query: usize, bytes: usize, low: usize, scale: f32, count: i32): f32 {
  return ASC_FEATURE_SIMD ? simd.fineDot(query, bytes, low, scale, count) : scalar.fineDot(query, bytes, low, scale, count);
}

@inline
export function fineSquares(query: usize, bytes: usize, low: usize, scale: f32, count: i32): f32 {
  return ASC_FEATURE_SIMD ? simd.fineSquares(query, bytes, low, scale, count) : scalar.fineSquares(query, bytes, low, scale, count);
}

@inline
export function toPlanes(at: usize, steps: f32, planes: usize, count: i32, bits: i32): void {
  if (ASC_FEATURE_SIMD) simd.toPlanes(at, steps, planes, count, bits);
  else scalar.toPlanes(at, steps, planes, count, bits);
}

@inline
export function rotate(at: usize, flips: usize, count: i32): void {
  if (ASC_FEATURE_SIMD) simdRotation.rotate(at, flips, count);
  else scalarRotation.rotate(at, flips, count);
}

@inline
export function rotateBack(at: usize, flips: usize, count: i32): void {
  if (ASC_FEATURE_SIMD) simdRotation.rotateBack(at, flips, count);
  else scalarRotation.rotateBack(at, flips, count);
}
