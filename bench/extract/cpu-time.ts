/** Processor time of this process, all its threads: what collects garbage and compiles code for a call belongs to the call. */

/** Milliseconds, to a microsecond. */
export function cpuMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

/** The most memory that this process has had in use. */
export function peakRssBytes(): number {
  return process.resourceUsage().maxRSS * 1_024;
}
