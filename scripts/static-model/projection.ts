/** Principal components, in float64 and in one order, so that every machine gets the same digits. */
import { createRng } from "@millrace/core";

export type Matrix = { readonly rows: number; readonly columns: number; readonly values: Float64Array };

const ROUNDS = 60;

/** Rows of `matrix`, centred, on its first `dims` principal components (subspace iteration from a seeded start). */
export function principalComponents(matrix: Matrix, dims: number): Matrix {
  const { rows, columns } = matrix;
  const values = centred(matrix);
  const covariance = covarianceOf(values, rows, columns);
  const rng = createRng(7);
  let basis = Float64Array.from({ length: dims * columns }, () => rng() - 0.5);
  orthonormalise(basis, dims, columns);
  for (let round = 0; round < ROUNDS; round++) {
    basis = multiply(basis, covariance, dims, columns);
    orthonormalise(basis, dims, columns);
  }
  const projected = new Float64Array(rows * dims);
  for (let row = 0; row < rows; row++) {
    for (let dim = 0; dim < dims; dim++) {
      let sum = 0;
      for (let column = 0; column < columns; column++)
        sum += (values[row * columns + column] as number) * (basis[dim * columns + column] as number);
      projected[row * dims + dim] = sum;
    }
  }
  return { rows, columns: dims, values: projected };
}

function centred({ rows, columns, values }: Matrix): Float64Array {
  const means = new Float64Array(columns);
  for (let at = 0; at < values.length; at++)
    means[at % columns] = (means[at % columns] as number) + (values[at] as number) / rows;
  return values.map((value, at) => value - (means[at % columns] as number));
}

function covarianceOf(values: Float64Array, rows: number, columns: number): Float64Array {
  const covariance = new Float64Array(columns * columns);
  for (let row = 0; row < rows; row++) {
    const start = row * columns;
    for (let left = 0; left < columns; left++) {
      const value = values[start + left] as number;
      const target = left * columns;
      for (let right = 0; right < columns; right++)
        covariance[target + right] = (covariance[target + right] as number) + value * (values[start + right] as number);
    }
  }
  return covariance;
}

/** `basis` (dims × columns) times the symmetric `square`. */
function multiply(basis: Float64Array, square: Float64Array, dims: number, columns: number): Float64Array<ArrayBuffer> {
  const product = new Float64Array(dims * columns);
  for (let dim = 0; dim < dims; dim++) {
    for (let inner = 0; inner < columns; inner++) {
      const value = basis[dim * columns + inner] as number;
      for (let column = 0; column < columns; column++)
        product[dim * columns + column] =
          (product[dim * columns + column] as number) + value * (square[inner * columns + column] as number);
    }
  }
  return product;
}

/** Gram-Schmidt, in place, rows in order. */
function orthonormalise(basis: Float64Array, dims: number, columns: number): void {
  for (let dim = 0; dim < dims; dim++) {
    const row = basis.subarray(dim * columns, (dim + 1) * columns);
    for (let before = 0; before < dim; before++) {
      const other = basis.subarray(before * columns, (before + 1) * columns);
      const along = dot(row, other);
      for (let column = 0; column < columns; column++)
        row[column] = (row[column] as number) - along * (other[column] as number);
    }
    const length = Math.sqrt(dot(row, row)) || 1;
    for (let column = 0; column < columns; column++) row[column] = (row[column] as number) / length;
  }
}

function dot(left: Float64Array, right: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < left.length; at++) sum += (left[at] as number) * (right[at] as number);
  return sum;
}
