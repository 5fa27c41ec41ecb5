/** A cursor names an interval of this length; readers at the same offset ask with the same cursor, so that a cache may collapse them. */
const INTERVAL_MS = 20_000;
const EPOCH_MS = Date.UTC(2024, 9, 9);
/** A cursor that would repeat is moved ahead by up to this many intervals, so that no cache serves its own answer for ever. */
const AHEAD_MAX = 180;

/**
 * The cursor to answer a live read with: the current interval, or one past the reader's own when that is not behind it. `random` is from
 * 0 up to 1.
 */
export function nextCursor(sent: string | undefined, nowMs: number, random: number): string {
  const current = Math.floor((nowMs - EPOCH_MS) / INTERVAL_MS);
  const known = sent !== undefined && /^\d{1,15}$/.test(sent) ? Number(sent) : -1;
  return String(known < current ? current : known + 1 + Math.floor(random * AHEAD_MAX));
}
