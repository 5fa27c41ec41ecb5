import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatRoute, parseRoute, VIEWS } from "../src/route.ts";

test("an address says again what was put into it, whatever the id and the question", () => {
  const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 });
  const params = fc.dictionary(fc.constantFrom("q", "space", "mode"), text);
  fc.assert(
    fc.property(fc.constantFrom(...VIEWS), fc.option(text, { nil: undefined }), params, (view, id, given) => {
      const route = parseRoute(formatRoute({ view, id, params: given }));
      assert.deepEqual({ ...route, params: { ...route.params } }, { view, id, params: { ...given } });
    }),
  );
});

test("anything else is the overview", () => {
  for (const hash of ["", "#", "#/", "#/nothing", "#%%%"]) assert.equal(parseRoute(hash).view, "overview");
});
