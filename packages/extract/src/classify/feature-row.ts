/**
 * The features of a page's blocks, one row a block: the first stage writes the front of each row, the second the rest. While it
 * names, it also lists what the columns are.
 */
export class FeatureRow {
  values = new Float32Array(0);
  at = 0;
  readonly names: string[] = [];
  isNaming = false;

  put(name: string, value: number): void {
    if (this.isNaming) this.names.push(name);
    this.values[this.at++] = value;
  }

  /** As `put`, for columns that come in series. */
  putIn(series: string, name: string, value: number): void {
    if (this.isNaming) this.names.push(`${series}.${name}`);
    this.values[this.at++] = value;
  }

  /** Room for `count` values; what is there stays. */
  reserve(count: number): void {
    if (count <= this.values.length) return;
    const before = this.values;
    this.values = new Float32Array(Math.ceil(count * 1.25));
    this.values.set(before);
  }
}
