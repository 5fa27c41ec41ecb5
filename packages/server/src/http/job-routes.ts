import { checkText, MillraceError } from "@millrace/core";
import type { SourceState } from "@millrace/protocol";
import type { Engine } from "../engine.ts";
import { UPLOAD_BYTES_MAX } from "../limits.ts";
import type { Exchange } from "./exchange.ts";
import { readBody } from "./read-body.ts";
import type { Router } from "./router.ts";

const JOB_STATE = {
  pattern: /^(running|done|error|interrupted)?$/,
  rule: "it must be running, done, error or interrupted",
};
const SOURCE_STATE = {
  pattern: /^(waiting|queued|working|stored|failed)?$/,
  rule: "it must be waiting, queued, working, stored or failed",
};

/** Jobs: what they did, what is left, and control over them. */
export function addJobRoutes(router: Router, engine: Engine): void {
  const { jobs, jobStore, clock } = engine;
  const show = async (exchange: Exchange, status: number, job: string) =>
    exchange.json(status, await jobStore.job(job, clock.now()));
  router.add("GET", "/v1/jobs", async (exchange) => {
    const limit = exchange.integer("limit", { min: 1, max: 1_000, fallback: 100 });
    const state = checkText("state", exchange.query("state") ?? "", JOB_STATE);
    const filter = { space: exchange.query("space") ?? "", state, limit };
    exchange.json(200, { jobs: await jobStore.jobs(filter, clock.now()) });
  });
  router.add("GET", "/v1/jobs/{job}", (exchange) => show(exchange, 200, exchange.param("job")));
  router.add("GET", "/v1/jobs/{job}/sources", async (exchange) => {
    const limit = exchange.integer("limit", { min: 1, max: 1_000, fallback: 100 });
    const after = exchange.integer("after", { min: -1, max: 1_000_000, fallback: -1 });
    const state = checkText("state", exchange.query("state") ?? "", SOURCE_STATE) as SourceState | "";
    const { sources, next } = await jobStore.sources(exchange.param("job"), state, after, limit);
    exchange.json(200, next === undefined ? { sources } : { sources, next: String(next) });
  });
  router.add("PUT", "/v1/jobs/{job}/sources/{index}", async (exchange) => {
    engine.checkReady();
    const index = indexOf(exchange);
    using body = await readBody(exchange.request, UPLOAD_BYTES_MAX);
    await jobs.receive(exchange.param("job"), index, contentTypeOf(exchange), body.bytes);
    exchange.json(202, { index, state: "queued" });
  });
  router.add("DELETE", "/v1/jobs/{job}/sources/{index}", async (exchange) => {
    await jobs.withdraw(exchange.param("job"), indexOf(exchange));
    exchange.empty(204);
  });
  router.add("POST", "/v1/jobs/{job}/resume", async (exchange) => {
    engine.checkReady();
    await show(exchange, 202, await jobs.resume(exchange.param("job")));
  });
  router.add("POST", "/v1/jobs/{job}/cancel", async (exchange) => {
    await jobs.cancel(exchange.param("job"));
    await show(exchange, 202, exchange.param("job"));
  });
}

/** The type the client gave, unless it says nothing: then the announced one, the name and the bytes decide. */
export function contentTypeOf(exchange: Exchange): string | null {
  const type = exchange.request.headers["content-type"];
  return type === undefined || type.startsWith("application/octet-stream") ? null : type;
}

function indexOf(exchange: Exchange): number {
  const text = exchange.param("index");
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new MillraceError("invalid_argument", `the source ${JSON.stringify(text.slice(0, 40))} is not a number`);
}
