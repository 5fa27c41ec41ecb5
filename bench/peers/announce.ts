/** The line by which a server tells where it listens, and its end at SIGTERM. */
export function announce(url: string): void {
  process.stdout.write(`${JSON.stringify({ url })}\n`);
  process.once("SIGTERM", () => process.exit(0));
}
