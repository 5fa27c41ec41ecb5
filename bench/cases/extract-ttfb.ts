/** How long a client waits for the first event and for the first result: of pages kept in memory, on disk, and fetched. */
import { mkdtempSync, rmSync } from "node:fs";
import { Agent } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EventTimes, timeEvents } from "../extract/first-event.ts";
import { type PageServer, startPageServer } from "../extract/page-server.ts";
import { percentileOf } from "../extract/statistics.ts";
import { spawnServer } from "../load/spawn-server.ts";
import { type BenchCase, defineCase, type Measurement } from "../src/case.ts";
import { note } from "../src/note.ts";

const PAGE_BYTES = 100_000;
const PAGES = 150;
/** Pages read before, which are not measured: a server's first requests load its code and start its threads. */
const WARM_UP_PAGES = 30;

type Round = "warm" | "cold" | "miss";

function figuresOf(round: Round, times: readonly EventTimes[]): Measurement {
  const layers = [...new Set(times.map(({ layer }) => layer))].sort();
  note(`${round}: pages came from ${layers.join(", ")}`);
  const first = times.map(({ firstEventMs }) => firstEventMs);
  const results = times.map(({ resultMs }) => resultMs);
  return {
    [`${round}P50`]: percentileOf(first, 0.5),
    [`${round}P95`]: percentileOf(first, 0.95),
    [`${round}ResultP50`]: percentileOf(results, 0.5),
    [`${round}ResultP95`]: percentileOf(results, 0.95),
  };
}

async function timeAll(server: string, pages: PageServer, ids: readonly number[]): Promise<EventTimes[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    const times: EventTimes[] = [];
    for (const id of ids) times.push(await timeEvents(server, pages.urlOf(id), agent));
    return times;
  } finally {
    agent.destroy();
  }
}

const range = (from: number, count: number) => Array.from({ length: count }, (_, at) => from + at);

const figures = (round: Round, bar: number) => ({
  [`${round}P50`]: { kind: "latency" as const },
  [`${round}P95`]: { kind: "latency" as const, bar },
  [`${round}ResultP50`]: { kind: "latency" as const },
  [`${round}ResultP95`]: { kind: "latency" as const },
});

const ttfb = defineCase({
  name: "extract/ttfb",
  title:
    "POST /v1/extract by server-sent events, pages of 100 KB on this machine: to the first event, and to the result",
  unit: "ms",
  isSelfWarming: true,
  figures: { ...figures("warm", 20), ...figures("cold", 50), ...figures("miss", 50), coldFirst: { kind: "latency" } },
  options: { pages: PAGES, pageBytes: PAGE_BYTES, warmUpPages: WARM_UP_PAGES, concurrency: 1 },
  setup: async () => ({
    pages: await startPageServer({ bytes: PAGE_BYTES }),
    directory: mkdtempSync(join(tmpdir(), "millrace-ttfb-")),
  }),
  run: async ({ pages, directory }): Promise<Measurement> => {
    const serveArgs = ["--allow-address", "127.0.0.0/8"];
    const start = () => spawnServer({ target: "millrace", serveArgs, directory });
    const ids = range(WARM_UP_PAGES, PAGES);
    const measured: Measurement[] = [];
    {
      await using server = await start();
      await timeAll(server.url, pages, range(0, WARM_UP_PAGES));
      measured.push(figuresOf("miss", await timeAll(server.url, pages, ids)));
      measured.push(figuresOf("warm", await timeAll(server.url, pages, ids)));
    }
    // Another process with the same data: what it has in memory is gone.
    await using server = await start();
    const [first] = await timeAll(server.url, pages, [0]);
    await timeAll(server.url, pages, range(1, WARM_UP_PAGES - 1));
    measured.push(figuresOf("cold", await timeAll(server.url, pages, ids)));
    return Object.assign({ coldFirst: first?.firstEventMs ?? 0 }, ...measured);
  },
  teardown: async ({ pages, directory }) => {
    await pages[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  },
});

export const cases: readonly BenchCase[] = [ttfb];
