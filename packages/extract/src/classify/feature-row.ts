/** The features of a page's blocks, one row a block: the first stage writes the front of each row, the second the rest. */
export class FeatureRow {
  values = new Float32Array(0);
  at = 0;

  /** The name is for `NamingRow`. Short enough to be compiled into its callers, of which there are hundreds (measured). */
  put(_name: string, value: number): void {
    this.values[this.at++] = value;
  }

  /** As `put`, for columns that come in series. */
  putIn(_series: string, _name: string, value: number): void {
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

/** Lists what the columns are as well, while the first row is written from 0 on. For training. */
export class NamingRow extends FeatureRow {
  readonly names: string[] = [];

  override put(name: string, value: number): void {
    if (this.at === this.names.length) this.names.push(name);
    super.put(name, value);
  }

  override putIn(series: string, name: string, value: number): void {
    if (this.at === this.names.length) this.names.push(`${series}.${name}`);
    super.putIn(series, name, value);
  }
}
