/**
 * Trace spans around appends and commits, for whoever registers an OpenTelemetry SDK in this process. They are made after the fact from times
 * that were measured anyway, so without an SDK a call costs one look whether there is one.
 */
import type { StreamId } from "@millrace/protocol";
import type { CommitFigures, Submitted } from "@millrace/stream";
import { context, ProxyTracerProvider, SpanStatusCode, type Tracer, trace } from "@opentelemetry/api";
import { VERSION } from "../version.ts";

const NAME = "millrace";

/** `millrace.append`, until the frames are durable, and in it `millrace.consume`, the time on the main thread. */
export function traceAppend(stream: StreamId, submitted: Submitted, startedMs: number): void {
  const tracer = activeTracer();
  if (!tracer) return;
  const { accepted, duplicates, firstSeq, lastSeq, durable } = submitted;
  const startTime = performance.timeOrigin + startedMs;
  const attributes = {
    "millrace.stream": stream,
    "millrace.events": accepted,
    "millrace.duplicates": duplicates,
    "millrace.first_seq": firstSeq,
    "millrace.last_seq": lastSeq,
  };
  const span = tracer.startSpan("millrace.append", { startTime, attributes });
  tracer.startSpan("millrace.consume", { startTime }, trace.setSpan(context.active(), span)).end();
  durable.then(
    () => span.end(),
    (error: unknown) => {
      span.recordException(error as Error);
      span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    },
  );
}

/** `millrace.commit`: one transaction of the storage thread, with what of it went into projecting and into the disk. */
export function traceCommit({ startedMs, commitMs, syncMs, projectMs, rows }: CommitFigures, calls: number): void {
  const attributes = {
    "millrace.calls": calls,
    "millrace.rows": rows,
    "millrace.sync_ms": syncMs,
    "millrace.project_ms": projectMs,
  };
  activeTracer()
    ?.startSpan("millrace.commit", { startTime: startedMs, attributes, root: true })
    .end(startedMs + commitMs);
}

/** Undefined while no SDK is registered. */
function activeTracer(): Tracer | undefined {
  const provider = trace.getTracerProvider();
  if (provider instanceof ProxyTracerProvider) return provider.getDelegateTracer(NAME, VERSION);
  return provider.getTracer(NAME, VERSION);
}
