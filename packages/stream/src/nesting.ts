/** Whether arrays and objects lie in each other more than `levelsMax` deep. Looks no further down, so it needs no more stack than that. */
export function isDeeperThan(levelsMax: number, value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levelsMax === 0) return true;
  for (const inner of Array.isArray(value) ? value : Object.values(value)) {
    if (isDeeperThan(levelsMax - 1, inner)) return true;
  }
  return false;
}
