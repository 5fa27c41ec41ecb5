/** How a line begins by which a case says something about a run beside its figures: that a peer is missing, or what was the limit. */
const PREFIX = "note: ";

/** Says it in the result of the case that runs in this process. */
export function note(text: string): void {
  process.stdout.write(`${PREFIX}${text}\n`);
}

/** What a case said, each thing once. */
export function notesIn(stdout: string): string[] {
  const lines = stdout.split("\n").filter((line) => line.startsWith(PREFIX));
  return [...new Set(lines.map((line) => line.slice(PREFIX.length)))];
}
