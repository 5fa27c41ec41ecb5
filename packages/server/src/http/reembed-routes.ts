import { type SpaceId, toSpaceId } from "@millrace/protocol";
import { createCheck, ReembedRequestSchema } from "@millrace/protocol/schemas";
import type { Engine } from "../engine.ts";
import { WAIT_MS_MAX } from "../limits.ts";
import type { Exchange } from "./exchange.ts";
import { readJson } from "./read-body.ts";
import type { Router } from "./router.ts";

const checkRequest = createCheck("body", ReembedRequestSchema);

/** Giving a space another model: begun, looked at or waited for, cancelled. */
export function addReembedRoutes(router: Router, engine: Engine): void {
  const { reembeds } = engine.memory;
  const path = "/v1/spaces/{space}/reembed";
  router.add("POST", path, async (exchange) => {
    engine.checkReady();
    const { embedding } = checkRequest(await readJson(exchange.request));
    const begun = await reembeds.start(spaceOf(exchange), embedding);
    exchange.json(begun.state === "running" ? 202 : 200, begun);
  });
  router.add("GET", path, async (exchange) => {
    const space = spaceOf(exchange);
    const waitMs = exchange.integer("waitMs", { min: 0, max: WAIT_MS_MAX, fallback: 0 });
    if (waitMs > 0) await waitForEnd(engine, space, waitMs, exchange.signal);
    exchange.json(200, reembeds.state(space));
  });
  router.add("DELETE", path, async (exchange) => exchange.json(200, await reembeds.cancel(spaceOf(exchange))));
}

async function waitForEnd({ memory, clock }: Engine, space: SpaceId, waitMs: number, gone: AbortSignal): Promise<void> {
  const late = new AbortController();
  const cancel = clock.after(waitMs, () => late.abort());
  await memory.reembeds.ended(space, AbortSignal.any([gone, late.signal]));
  cancel();
}

function spaceOf(exchange: Exchange): SpaceId {
  return toSpaceId(exchange.param("space"));
}
