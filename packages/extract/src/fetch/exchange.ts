import type { Clock } from "@millrace/core";
import { TIMEOUT_BLAMED_MS } from "../limits.ts";
import type { Admission } from "./circuit-breaker.ts";
import { failureOf, PassingFailure } from "./fetch-failure.ts";
import type { Origin } from "./origin-table.ts";
import type { Request, Sent, Transport } from "./transport.ts";

export type ExchangeParts = { readonly clock: Clock; readonly transport: Transport; readonly origin: Origin };

/**
 * One request and what `read` makes of its answer; the origin's breaker learns how it went. Rejects with a `MillraceError`, or with a
 * `PassingFailure` where another try is worth it.
 */
export async function exchange<T>(
  { clock, transport, origin }: ExchangeParts,
  request: Request,
  read: (sent: Sent) => Promise<T>,
): Promise<T> {
  const admission = origin.breaker.admit(origin.name);
  const startedMs = clock.monotonic();
  let isAnswered = false;
  try {
    const sent = await transport.send(request);
    isAnswered = true;
    if (sent.status >= 500) admission.failed();
    const result = await read(sent);
    admission.succeeded();
    return result;
  } catch (error) {
    const failure = failureOf(request.url.href, error, request.signal);
    report(admission, failure, { isAnswered, tookMs: clock.monotonic() - startedMs });
    throw failure;
  }
}

/** Broken connections, 5xx and timeouts are the server's failures; 4xx and what its body is are not. */
function report(
  admission: Admission,
  failure: ReturnType<typeof failureOf>,
  { isAnswered, tookMs }: { readonly isAnswered: boolean; readonly tookMs: number },
): void {
  const { status } = failure instanceof PassingFailure ? failure : {};
  const { code } = failure instanceof PassingFailure ? failure.failure : failure;
  const isLate = code === "timeout" && tookMs >= TIMEOUT_BLAMED_MS;
  if (isLate || code === "fetch_unreachable" || (status !== undefined && status >= 500)) admission.failed();
  else if (isAnswered && code !== "timeout" && code !== "cancelled") admission.succeeded();
  else admission.released();
}
