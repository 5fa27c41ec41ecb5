/** The threads of the observation log: one appends; one, started when there is something to reclaim, rewrites files. */
import { workerData } from "node:worker_threads";
import { serveAppends } from "./append-thread.ts";
import type { LogThreadData } from "./log-messages.ts";
import { serveReclaim } from "./reclaim-thread.ts";

const setup = workerData as LogThreadData;
if (setup.role === "append") serveAppends(setup);
else serveReclaim(setup);
