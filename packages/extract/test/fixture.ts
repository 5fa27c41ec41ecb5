import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Bytes of a file under test/fixtures. */
export function fixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(join(import.meta.dirname, "fixtures", name)));
}
