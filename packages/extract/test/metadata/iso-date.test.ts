import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { dateOfUrl, isoDate } from "../../src/metadata/iso-date.ts";

const WRITTEN: readonly (readonly [text: string, want: string | undefined])[] = [
  ["2025-11-03", "2025-11-03"],
  ["2025-11-03T08:05:09Z", "2025-11-03T08:05:09Z"],
  ["2025-11-03T08:05:09.123+01:00", "2025-11-03T08:05:09+01:00"],
  ["2025-11-03T08:05:09+0530", "2025-11-03T08:05:09+05:30"],
  ["2025-11-03 08:05", "2025-11-03"],
  ["20251103", "2025-11-03"],
  ["1762128000", "2025-11-03T00:00:00Z"],
  ["1762128000000", "2025-11-03T00:00:00Z"],
  ["Mon, 03 Nov 2025 10:20:30 GMT", "2025-11-03T10:20:30Z"],
  ["Mon, 3 Nov 2025 10:20:30 -0500", "2025-11-03T10:20:30-05:00"],
  ["Mon, 3 Nov 2025 10:20:30 EST", "2025-11-03T10:20:30-05:00"],
  ["Mon Nov 03 2025 10:20:30 GMT+0100 (Central European Standard Time)", "2025-11-03T10:20:30+01:00"],
  ["Nov 3, 2025", "2025-11-03"],
  ["Published on November 3rd, 2025 by Ann Lee", "2025-11-03"],
  ["Sept. 7, 2024", "2024-09-07"],
  ["3 novembre 2025", "2025-11-03"],
  ["1er août 2024", "2024-08-01"],
  ["3. März 2025", "2025-03-03"],
  ["3 de noviembre de 2025", "2025-11-03"],
  ["3 de março de 2025", "2025-03-03"],
  ["3 listopada 2025", "2025-11-03"],
  ["3 ноября 2025 г.", "2025-11-03"],
  ["12 Şubat 2024", "2024-02-12"],
  ["2025年11月3日", "2025-11-03"],
  ["2025년 11월 3일", "2025-11-03"],
  ["2025/11/03", "2025-11-03"],
  ["03.11.2025", "2025-11-03"],
  ["11/23/2025", "2025-11-23"],
  ["2025-02-30", undefined],
  ["2025-13-01", undefined],
  ["30 February 2025", undefined],
  ["0001-01-01T00:00:00Z", undefined],
  ["1970-01-01", undefined],
  ["3 days ago", undefined],
  ["November 2025", undefined],
  ["Chapter 3 part 2025", undefined],
  ["", undefined],
];

for (const [text, want] of WRITTEN) {
  test(`reads ${JSON.stringify(text)} as ${want}`, () => {
    assert.equal(isoDate(text), want);
  });
}

test("reads 03/11/2025 by the order of the page's country", () => {
  assert.equal(isoDate("03/11/2025", { order: "dmy" }), "2025-11-03");
  assert.equal(isoDate("03/11/2025", { order: "mdy" }), "2025-03-11");
  assert.equal(isoDate("13/11/2025", { order: "mdy" }), "2025-11-13");
});

test("a text as long as a paragraph is no date", () => {
  assert.equal(isoDate(`On 3 November 2025 ${"the harbour was closed ".repeat(10)}`), undefined);
});

test("every day comes back from each way to write it", () => {
  const day = fc.date({ min: new Date("1971-01-01"), max: new Date("2099-12-31"), noInvalidDate: true });
  fc.assert(
    fc.property(day, (date) => {
      const want = date.toISOString().slice(0, 10);
      const format = (locale: string, month: "long" | "short" | "numeric") =>
        new Intl.DateTimeFormat(locale, { year: "numeric", month, day: "numeric", timeZone: "UTC" }).format(date);
      for (const locale of ["en-US", "en-GB", "de", "fr", "es", "pt", "it", "nl", "pl", "sv", "ru", "ja"]) {
        assert.equal(isoDate(format(locale, "long")), want, `${locale} ${format(locale, "long")}`);
      }
      assert.equal(isoDate(date.toUTCString())?.slice(0, 10), want);
      assert.equal(isoDate(format("en-US", "numeric"), { order: "mdy" }), want);
    }),
  );
});

test("whatever is read is a day of the calendar", () => {
  const text = fc.string({ unit: fc.constantFrom(..."0123456789-/. TZ:+Jan Feb of"), maxLength: 30 });
  fc.assert(
    fc.property(text, (written) => {
      const date = isoDate(written);
      if (date === undefined) return;
      const day = date.slice(0, 10);
      assert.match(date, /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}:\d{2}(?:Z|[+-]\d{2}:\d{2}))?$/);
      assert.equal(new Date(`${day}T00:00:00Z`).toISOString().slice(0, 10), day);
      assert.ok(!Number.isNaN(Date.parse(date)), date);
    }),
    { numRuns: 2_000 },
  );
});

test("the date in a URL's path, and none in its query or where it is impossible", () => {
  assert.equal(dateOfUrl("https://example.org/2025/11/03/harbour"), "2025-11-03");
  assert.equal(dateOfUrl("https://example.org/news/2025-11-03-harbour.html"), "2025-11-03");
  assert.equal(dateOfUrl("https://example.org/2025/02/31/harbour"), undefined);
  assert.equal(dateOfUrl("https://example.org/harbour?on=/2025/11/03/"), undefined);
  assert.equal(dateOfUrl("no address"), undefined);
});
