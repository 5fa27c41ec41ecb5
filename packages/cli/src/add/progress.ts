/** How far an add is, while it runs: a bar on a terminal, a line now and then elsewhere. */
import { systemClock } from "@millrace/core";
import { cutStart, formatBytes, formatCount, formatDuration } from "../format.ts";
import { BAR_EVERY_MS, LINE_EVERY_MS } from "../limits.ts";
import type { Terminal } from "../terminal.ts";
import type { Tally } from "./tally.ts";

const BAR_COLUMNS = 24;
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** Shows the tally until it is disposed. Quiet with `isQuiet`, unless a bar can be drawn, which never mixes with stdout. */
export function showProgress(terminal: Terminal, tally: Tally, isQuiet: boolean): Disposable {
  const { isInteractive } = terminal;
  if (isQuiet && !isInteractive) return { [Symbol.dispose]: () => {} };
  const everyMs = isInteractive ? BAR_EVERY_MS : LINE_EVERY_MS;
  let cancel = () => {};
  const tick = () => {
    if (isInteractive) terminal.redraw(bar(terminal, tally));
    else terminal.err(line(tally));
    cancel = systemClock.after(everyMs, tick);
  };
  cancel = systemClock.after(everyMs, tick);
  return {
    [Symbol.dispose]: () => {
      cancel();
      if (isInteractive) terminal.redraw("");
    },
  };
}

function bar({ styleErr, columns }: Terminal, tally: Tally): string {
  const { share, count, rate, left } = read(tally);
  const eighths = Math.round(share * BAR_COLUMNS * 8);
  const full = "█".repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? "");
  const figures = [count, rate, formatBytes(tally.bytes), left].filter(Boolean).join("  ");
  const failed = tally.errors.length === 0 ? "" : `  ${formatCount(tally.errors.length)} failed`;
  const used = BAR_COLUMNS + 7 + figures.length + failed.length;
  const latest = columns - used > 12 ? cutStart(tally.latest, columns - used) : "";
  const rest = [failed && styleErr("yellow", failed), latest && `  ${styleErr("dim", latest)}`].join("");
  return `  ${styleErr("cyan", full)}${styleErr("dim", "░".repeat(BAR_COLUMNS - full.length))}  ${figures}${rest}`;
}

function line(tally: Tally): string {
  const { count, rate, left } = read(tally);
  const failed = tally.errors.length === 0 ? "" : `${formatCount(tally.errors.length)} failed`;
  return [count, rate, formatBytes(tally.bytes), left, failed].filter(Boolean).join(" · ");
}

function read(tally: Tally): { share: number; count: string; rate: string; left: string } {
  const perSecond = tally.rate();
  const { settled, total } = tally;
  const leftMs = ((total - settled) / perSecond) * 1000;
  return {
    share: total === 0 ? 0 : Math.min(1, settled / total),
    count: `${formatCount(settled)}/${formatCount(total)}`,
    rate: perSecond > 0 ? `${perSecond >= 9.95 ? Math.round(perSecond) : perSecond.toFixed(1)}/s` : "",
    left: settled === 0 ? "starting …" : Number.isFinite(leftMs) ? `${formatDuration(leftMs)} left` : "",
  };
}
