import { type SpaceId, toSpaceId } from "@millrace/protocol";
import { ConsolidateRequestSchema, createCheck } from "@millrace/protocol/schemas";
import type { Engine } from "../engine.ts";
import type { Exchange } from "../http/exchange.ts";
import { readJson } from "../http/read-body.ts";
import type { Router } from "../http/router.ts";

/** Longest `waitMs`, as of an add. */
const WAIT_MS_MAX = 60_000;
const CONCEPTS_DEFAULT = 100;
const CONCEPTS_MAX = 1_000;
const checkRequest = createCheck("body", ConsolidateRequestSchema);

/** Finding duplicates and patterns among a space's observations (PROTOCOL.md, Consolidate). */
export function addConsolidationRoutes(router: Router, engine: Engine): void {
  const { consolidations } = engine.memory.ingest;
  router.add("POST", "/v1/spaces/{space}/consolidate", async (exchange) => {
    engine.checkReady();
    const space = toSpaceId(exchange.param("space"));
    const waitMs = waitOf(exchange);
    await consolidations.start(space, checkRequest(await readJson(exchange.request)));
    await answer(engine, exchange, { space, waitMs, running: 202 });
  });
  router.add("GET", "/v1/spaces/{space}/consolidation", (exchange) => {
    const space = toSpaceId(exchange.param("space"));
    return answer(engine, exchange, { space, waitMs: waitOf(exchange), running: 200 });
  });
  router.add("GET", "/v1/spaces/{space}/concepts", async (exchange) => {
    const limit = exchange.integer("limit", { min: 1, max: CONCEPTS_MAX, fallback: CONCEPTS_DEFAULT });
    const space = toSpaceId(exchange.param("space"));
    exchange.json(200, await consolidations.concepts(space, exchange.query("after") ?? "", limit));
  });
}

function waitOf(exchange: Exchange): number {
  return exchange.integer("waitMs", { min: 0, max: WAIT_MS_MAX, fallback: 0 });
}

/** The run as it is when it has ended, or after `waitMs`; `running` is the status of one that goes on. */
async function answer(
  { memory, clock }: Engine,
  exchange: Exchange,
  { space, waitMs, running }: { readonly space: SpaceId; readonly waitMs: number; readonly running: number },
): Promise<void> {
  const { consolidations } = memory.ingest;
  const late = new AbortController();
  const cancel = clock.after(waitMs, () => late.abort());
  await consolidations.ended(space, AbortSignal.any([late.signal, exchange.signal]));
  cancel();
  const shown = await consolidations.state(space);
  exchange.json(shown.state === "running" ? running : 200, shown);
}
