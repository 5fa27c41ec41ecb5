/** What a piece of work cost. */
export type Spent = {
  /** By the clock. */
  readonly seconds: number;
  /** Processor time of the whole process, all its threads: what "per core" divides by. */
  readonly cpuSeconds: number;
};

/** Runs the work to its end. Nothing else should run in the process. */
export async function spend(work: () => void | Promise<void>): Promise<Spent> {
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  await work();
  const seconds = (performance.now() - startedMs) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return { seconds, cpuSeconds: (user + system) / 1e6 };
}
