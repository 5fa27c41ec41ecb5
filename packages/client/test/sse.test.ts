import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readEvents, type SseEvent } from "../src/sse.ts";

test("events are the same however the bytes are cut, with any line end", async () => {
  const text = fc.string({ unit: "grapheme", maxLength: 12 }).map((line) => line.replaceAll(/[\r\n]/g, ""));
  await fc.assert(
    fc.asyncProperty(
      fc.array(text),
      fc.constantFrom("\n", "\r\n"),
      fc.integer({ min: 1, max: 7 }),
      async (lines, end, size) => {
        const written = lines.map((line) => `: note${end}event: frame${end}data: ${line}${end}${end}`).join("");
        const bytes = new TextEncoder().encode(written);
        const body = new ReadableStream<Uint8Array>({
          start(controller) {
            for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
            controller.close();
          },
        });
        const events: SseEvent[] = [];
        for await (const event of readEvents(body)) if (event.event !== ":") events.push(event);
        assert.deepEqual(
          events,
          lines.map((data) => ({ event: "frame", data })),
        );
      },
    ),
  );
});
