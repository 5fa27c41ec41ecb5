/** What an add came to, for people and for programs. */
import { fixFor } from "../fixes.ts";
import { formatBytes, formatDuration, formatPlural } from "../format.ts";
import { wrap } from "../help.ts";
import { INVOCATION } from "../invocation.ts";
import { ERRORS_SHOWN_MAX, TEXT_COLUMNS_MAX } from "../limits.ts";
import type { Terminal } from "../terminal.ts";
import type { AddError, Tally } from "./tally.ts";

export type Outcome = {
  readonly space: string;
  /** Arguments that reach the same engine. */
  readonly reach: string;
  /** Ended by Ctrl-C. */
  readonly isStopped: boolean;
};

/** The one object that `--json` prints. `documents` counts what is now found by recall, those that were there unchanged included. */
export function toJson(tally: Tally, { isStopped }: Outcome): object {
  const { stored, unchanged, chunks, bytes, errors, jobs, open } = tally;
  const left = isStopped || open > 0 ? { interrupted: true, open } : {};
  const tookMs = Math.round(tally.tookMs);
  return { documents: stored, chunks, bytes, errors, tookMs, unchanged, job: jobs[0] ?? null, jobs, ...left };
}

export function printSummary(terminal: Terminal, tally: Tally, outcome: Outcome): void {
  const { out, style } = terminal;
  const { stored, unchanged, chunks, bytes, tookMs } = tally;
  const perSecond = stored / Math.max(0.001, tookMs / 1000);
  const rate = perSecond >= 9.95 ? String(Math.round(perSecond)) : perSecond.toFixed(1);
  if (stored > 0) {
    const same = unchanged === 0 ? "" : style("dim", ` (${unchanged === stored ? "all" : unchanged} unchanged)`);
    out(`${style("green", "✓")} ${style("bold", formatPlural(stored, "document"))} in space ${outcome.space}${same}`);
    out(
      style(
        "dim",
        `  ${formatPlural(chunks, "passage")} · ${formatBytes(bytes)} · ${formatDuration(tookMs)} · ${rate} documents/s`,
      ),
    );
  }
  if (tally.errors.length > 0) printErrors(terminal, tally.errors);
  if (tally.open > 0) printOpen(terminal, tally, outcome);
  else if (stored > 0) {
    const space = outcome.space === "default" ? "" : ` --space ${outcome.space}`;
    out();
    out(`  Ask: ${style("cyan", `${INVOCATION} recall "…"${space}${outcome.reach}`)}`);
  }
}

function printOpen({ out, style }: Terminal, tally: Tally, { reach }: Outcome): void {
  out(`${style("yellow", "!")} ${formatPlural(tally.open, "source")} left open`);
  const job = tally.jobs.at(-1);
  if (job) out(`  Go on with: ${style("cyan", `${INVOCATION} add --resume ${job}${reach}`)}`);
  out(`  ${style("dim", "or run the same add again: what is stored and unchanged is skipped.")}`);
}

/** By code, so that what to do is said once. */
function printErrors({ out, style, columns }: Terminal, errors: readonly AddError[]): void {
  out(`${style("red", "✗")} ${formatPlural(errors.length, "source")} could not be added`);
  const byCode = Map.groupBy(errors, ({ code }) => code);
  let shown = 0;
  for (const [code, group] of byCode) {
    const fix = fixFor(code);
    out();
    out(`  ${style("yellow", code)}${fix ? ` · ${fix}` : ""}`);
    for (const error of group.slice(0, Math.max(1, ERRORS_SHOWN_MAX - shown))) {
      shown++;
      wrap(describe(error), Math.min(columns, TEXT_COLUMNS_MAX) - 6).forEach((text, at) => {
        out(`  ${at === 0 ? "· " : "  "}${at === 0 ? text : style("dim", text)}`);
      });
    }
  }
  if (shown < errors.length) out(style("dim", `  and ${errors.length - shown} more; --json lists all`));
}

function describe({ source, message }: AddError): string {
  return message.includes(source) ? message : `${source}: ${message}`;
}
