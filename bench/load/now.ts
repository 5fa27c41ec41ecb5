/**
 * Microseconds since the Unix epoch. All processes of a run are on one machine, whose monotonic clock they share; the origin of each is
 * taken from the wall clock at its start.
 */
export function nowMicros(): number {
  return (performance.timeOrigin + performance.now()) * 1_000;
}
