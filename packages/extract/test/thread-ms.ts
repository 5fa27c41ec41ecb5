/** Milliseconds this thread has computed so far, for tests that work grows no faster than its input: those that wait for a busy machine are not in it. */
export function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
