/** What a relay without a log does to each frame: the envelope is parsed, gets its number, and is written as JSON again. */
export function parseAndRebuild(envelope: string, place: { readonly epoch: string; readonly seq: number }): string {
  const { type, id, data } = JSON.parse(envelope);
  return JSON.stringify({ stream: "chat:bench", epoch: place.epoch, seq: place.seq, ts: Date.now(), type, id, data });
}
