import type { Control, Target } from "../target.ts";

function control(text: string): Control {
  if (text === '{"op":"ready"}') return { isReady: true };
  return text.startsWith('{"op":"published"') ? { isAnswer: true } : { failure: text.slice(0, 300) };
}

/** bench/peers/plain-ws-server.ts: a loop over `ws` sockets. */
export const plainWsTarget: Target = {
  marker: '"n":',
  appendsMax: Number.POSITIVE_INFINITY,
  follow: {
    kind: "web-socket",
    path: "/",
    opening: (stream) => [JSON.stringify({ op: "follow", stream })],
    control,
  },
  publish: {
    kind: "web-socket",
    path: "/",
    opening: () => ['{"op":"hello"}'],
    control,
    message: ({ id, stream, payloads }) =>
      `{"op":"publish","id":${id},"stream":"${stream}","events":[${payloads.join(",")}]}`,
  },
};
