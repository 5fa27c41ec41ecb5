import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import type { StreamId } from "@millrace/protocol";
import type { Submitted } from "@millrace/stream";
import { context, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { startEngine } from "../../../../test/support/engine.ts";
import { traceAppend } from "../../src/metrics/tracing.ts";

const exporter = new InMemorySpanExporter();

test("without an SDK an append makes no span, and what was submitted is not even looked at", () => {
  const looked: (string | symbol)[] = [];
  const submitted = new Proxy({} as Submitted, { get: (_, name) => void looked.push(name) });
  traceAppend("chat" as StreamId, submitted, 0);
  assert.deepEqual(looked, []);
  assert.deepEqual(exporter.getFinishedSpans(), []);
});

afterEach(() => exporter.reset());

test("with an SDK, appends and commits are spans below what is active, with their real times", async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
  await using engine = await startEngine();
  const { sequencer } = engine.server.engine;
  exporter.reset();
  const beforeMs = Date.now();
  const caller = trace.getTracer("test").startSpan("caller");
  const said = { type: "message", id: "m1", data: { text: "hello" }, messageId: "1" };
  await context.with(trace.setSpan(context.active(), caller), () =>
    sequencer.append("chat" as StreamId, [said, { ...said, id: "m2", messageId: "2" }]),
  );
  await sequencer.append("chat" as StreamId, [said]);
  const spans = exporter.getFinishedSpans();
  const [append, duplicate] = spans.filter(({ name }) => name === "millrace.append");
  const consume = spans.find(({ name }) => name === "millrace.consume");
  const commit = spans.find(
    ({ name, attributes }) => name === "millrace.commit" && Number(attributes["millrace.rows"]) > 0,
  );
  assert.ok(append && duplicate && consume && commit);
  assert.equal(append.parentSpanContext?.spanId, caller.spanContext().spanId);
  assert.equal(consume.parentSpanContext?.spanId, append.spanContext().spanId);
  assert.deepEqual([append.attributes["millrace.stream"], append.attributes["millrace.events"]], ["chat", 2]);
  assert.deepEqual([duplicate.attributes["millrace.events"], duplicate.attributes["millrace.duplicates"]], [0, 1]);
  for (const { startTime, endTime } of [append, consume, commit]) {
    const [startMs, endMs] = [toMs(startTime), toMs(endTime)];
    assert.ok(startMs >= beforeMs - 50 && endMs <= Date.now() + 50 && endMs >= startMs, `${startMs} to ${endMs}`);
  }
  assert.ok(toMs(append.endTime) >= toMs(commit.endTime) - 1, "an append lasts until it is durable");
});

test("an append that is not kept is a span with its error", async () => {
  const durable = Promise.reject(new Error("the disk is gone"));
  const place = { epoch: "e", firstSeq: 1, lastSeq: 1, accepted: 1, duplicates: 0, durableSeq: 0 };
  traceAppend("chat" as StreamId, { ...place, durable }, performance.now());
  await durable.catch(() => {});
  await Promise.resolve();
  const append = exporter.getFinishedSpans().find(({ name }) => name === "millrace.append");
  assert.equal(append?.status.code, SpanStatusCode.ERROR);
  assert.equal(append?.events[0]?.attributes?.["exception.message"], "the disk is gone");
});

function toMs([seconds, nanos]: readonly [number, number]): number {
  return seconds * 1_000 + nanos / 1e6;
}
