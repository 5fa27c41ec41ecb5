import { MillraceError } from "@millrace/core";
import type { Target } from "../target.ts";

const pathOf = (stream: string) => `/v1/stream/${stream}`;

/** bench/peers/durable-streams-server.ts: JSON streams, followed as server-sent events. */
export const durableStreamsTarget: Target = {
  marker: '"n":',
  // Plain appends have no number that would put them in order; its own client, too, has one under way at a time.
  appendsMax: 1,
  follow: { kind: "events", path: (stream) => `${pathOf(stream)}?offset=-1&live=sse` },
  publish: {
    kind: "http",
    request: ({ stream, payloads }) => ({ path: pathOf(stream), body: `[${payloads.join(",")}]` }),
  },
  prepare: async (url, streams) => {
    for (const stream of streams) {
      const response = await fetch(new URL(pathOf(stream), url), {
        method: "PUT",
        headers: { "content-type": "application/json" },
      });
      await response.body?.cancel();
      if (response.ok) continue;
      throw new MillraceError("unavailable", `the durable-streams server answered ${response.status} to ${stream}`);
    }
  },
};
