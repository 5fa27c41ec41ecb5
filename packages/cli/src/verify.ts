/** Whether a store is sound. */
import type { Finding, VerifyReport } from "@millrace/client";
import { createClient } from "@millrace/client";
import { MillraceError } from "@millrace/core";
import type { Command, CommandContext, ExitCode } from "./command.ts";
import { LINK_OPTIONS } from "./engine-link.ts";
import { formatBytes, formatCount, formatDuration, formatPlural } from "./format.ts";
import { ERRORS_SHOWN_MAX } from "./limits.ts";
import { loadServer } from "./server-module.ts";
import type { Terminal } from "./terminal.ts";

/** Looks for whatever in a store is not as it must be. */
export const verifyCommand: Command = {
  name: "verify",
  summary: "check that a store is sound",
  usage: "",
  operands: { min: 0, max: 0 },
  options: [...LINK_OPTIONS, "json", "help"],
  examples: [
    ["millrace verify", "the store in ./.millrace, also while an engine runs on it"],
    [
      "millrace verify --url http://127.0.0.1:4100 --json",
      "that of a running engine, as {isSound, streams, frames, findings: [...]}",
    ],
  ],
  notes: [
    "It changes nothing. It looks for frames that are missing, damaged or out of order, counters and cursors that say something else than the rows, entities that ended twice or are not what the frames make of them, and damage to the file. A change of a frame's data that leaves it well-formed and of the same length is not seen. Exit code 1 when anything is found.",
  ],
  run: verify,
};

async function verify(context: CommandContext): Promise<ExitCode> {
  const { options, terminal } = context;
  const report = await findings(context);
  if (options.json) terminal.json(report);
  else print(terminal, report);
  return report.isSound ? 0 : 1;
}

async function findings({ options, given, signal, terminal }: CommandContext): Promise<VerifyReport> {
  if (given.has("url") && given.has("data")) {
    throw new MillraceError(
      "invalid_argument",
      "--url and --data are both given; an engine has its own data: give one",
    );
  }
  if (options.url !== undefined && !given.has("data")) return createClient({ url: options.url }).verify({ signal });
  const { verifyStore } = await loadServer();
  const onProgress = ({ streams, frames }: { readonly streams: number; readonly frames: number }) => {
    if (terminal.isInteractive) {
      terminal.redraw(`${formatPlural(frames, "frame")} of ${formatPlural(streams, "stream")} looked at …`);
    }
  };
  const report = await verifyStore({ directory: options.data, signal, onProgress });
  if (terminal.isInteractive) terminal.redraw("");
  return { ...report, findings: [...report.findings] };
}

function print({ out, style }: Terminal, report: VerifyReport): void {
  const { streams, frames, bytes, entities, tookMs, found, isSound } = report;
  for (const finding of report.findings.slice(0, ERRORS_SHOWN_MAX)) {
    out(`${style("red", "✗")} ${style("bold", finding.check)} ${placeOf(finding)}${finding.message}`);
  }
  if (found > ERRORS_SHOWN_MAX) out(`… and ${formatCount(found - ERRORS_SHOWN_MAX)} more; --json lists up to 1,000`);
  const seen = `${formatPlural(streams, "stream")}, ${formatPlural(frames, "frame")} (${formatBytes(bytes)}), ${formatCount(entities)} entities`;
  const verdict = isSound ? style("green", "The store is sound") : style("red", `${formatPlural(found, "finding")}`);
  out(`${verdict}: ${seen} looked at in ${formatDuration(tookMs)}.`);
}

function placeOf({ stream, seq }: Finding): string {
  if (stream === undefined) return "";
  return seq === undefined ? `${stream}: ` : `${stream} at ${seq}: `;
}
