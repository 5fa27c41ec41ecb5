import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { elementAt, elementOffsets } from "../../../src/observations/workers/json-elements.ts";

test("each element of any array is the one that parsing all of it gives", () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue(), { maxLength: 20 }), fc.nat(2), (values, indent) => {
      const bytes = new TextEncoder().encode(JSON.stringify(values, null, indent));
      const offsets = elementOffsets(bytes);
      const parsed = JSON.parse(JSON.stringify(values)) as unknown[];
      parsed.forEach((value, at) => {
        assert.deepEqual(elementAt(bytes, offsets, at), value);
      });
      if (values.length > 0) assert.equal(elementAt(bytes, offsets, values.length), undefined);
    }),
    { numRuns: 300 },
  );
});

test("quotes, brackets and commas inside strings separate nothing", () => {
  const values = ['a,b]"[', "\\", '\\"', { ",": ["}", "{"] }, null];
  const bytes = new TextEncoder().encode(JSON.stringify(values));
  assert.deepEqual(
    values.map((_, at) => elementAt(bytes, elementOffsets(bytes), at)),
    values,
  );
});
