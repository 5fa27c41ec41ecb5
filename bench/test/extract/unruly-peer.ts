/** A peer's process that does what the page says: it dies, hangs or answers. */
import type { FromPeer, PageForPeer } from "../../extract/peer-messages.ts";

const send = (message: FromPeer): void => {
  process.send?.(message);
};

process.on("disconnect", () => process.exit());
process.on("message", ({ html }: PageForPeer) => {
  if (html === "die") process.kill(process.pid, "SIGKILL");
  while (html === "hang");
  if (html === "throw") send({ kind: "failed", reason: "cannot", cpuMs: 1, peakRssBytes: 5 });
  else send({ kind: "answered", answer: { kind: "html", html }, cpuMs: 2, peakRssBytes: 7 });
});
send({ kind: "ready", versions: { unruly: "1.0.0" } });
