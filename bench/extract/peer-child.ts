/** A peer's process: pages come one at a time, each is answered with what was found and the processor time it took. */
import { toErrorBody } from "@millrace/core";
import { cpuMsSince, peakRssBytes } from "./cpu-time.ts";
import { PEER_ANSWER_CHARS_MAX } from "./limits.ts";
import type { FromPeer, PageForPeer } from "./peer-messages.ts";
import type { PeerAnswer, PeerExtract } from "./peers/answer.ts";
import { checkPeerName, openPeer } from "./peers/peer.ts";

// Peers complain about pages; what they print is not for anyone here.
for (const method of ["log", "info", "warn", "error", "debug"] as const) console[method] = () => {};
process.on("disconnect", () => process.exit());

try {
  const { extract, versions } = await openPeer(checkPeerName(process.argv[2] ?? ""));
  process.on("message", (page: PageForPeer) => void answer(extract, page).then(send));
  send({ kind: "ready", versions });
} catch (error) {
  send({ kind: "refused", error: toErrorBody(error) });
}

async function answer(extract: PeerExtract, { html, url }: PageForPeer): Promise<FromPeer> {
  const before = process.cpuUsage();
  try {
    const found = await extract(html, url);
    const cpuMs = cpuMsSince(before);
    checkLength(found);
    return { kind: "answered", answer: found, cpuMs, peakRssBytes: peakRssBytes() };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { kind: "failed", reason, cpuMs: cpuMsSince(before), peakRssBytes: peakRssBytes() };
  }
}

function checkLength(found: PeerAnswer): void {
  const { length } = found.kind === "html" ? found.html : found.kind === "markdown" ? found.markdown : found.text;
  if (length > PEER_ANSWER_CHARS_MAX)
    throw new Error(`the answer has ${length} characters; ${PEER_ANSWER_CHARS_MAX} is the limit`);
}

function send(message: FromPeer): void {
  process.send?.(message);
}
