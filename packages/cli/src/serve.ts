import { MillraceError } from "@millrace/core";
import type { DrainReport, Server, ServerOptions } from "@millrace/server";
import type { Command, CommandContext, ExitCode } from "./command.ts";
import { EMBEDDING_OPTIONS, engineOptions } from "./engine-link.ts";
import { formatDuration, formatPlural } from "./format.ts";
import { INVOCATION } from "./invocation.ts";
import { OPTIONS, type OptionValues } from "./options.ts";
import { DEFAULT_RETENTION_OPTIONS, toRetention } from "./retention.ts";
import { loadServer } from "./server-module.ts";
import type { Terminal } from "./terminal.ts";

/** Opens an engine and serves it until Ctrl-C or SIGTERM, then drains it. */
export const serveCommand: Command = {
  name: "serve",
  summary: "run the engine with its dashboard",
  usage: "",
  operands: { min: 0, max: 0 },
  options: [
    "port",
    "data",
    "data-bytes-max",
    ...EMBEDDING_OPTIONS,
    "allow-address",
    "stream-mode",
    "profile",
    "throughput-target",
    "consolidate-every",
    ...DEFAULT_RETENTION_OPTIONS,
    "json",
    "help",
  ],
  examples: [
    ["millrace serve", "the dashboard on http://127.0.0.1:4100, the data in ./.millrace"],
    ["millrace serve --port 0 --data /srv/millrace --data-bytes-max 20GB", "any free port, another directory, a limit"],
    [
      "millrace serve --embedding openai --embedding-url http://127.0.0.1:11434/v1 --embedding-model nomic-embed-text",
      "embed new spaces with a service of your own",
    ],
    ["millrace serve --max-age 30d --jobs-max-age 7d", "trim clients' streams and delete those of jobs by age"],
    ["millrace serve --profile low-latency", "short queues for observations: what cannot be quick is refused"],
    ["millrace serve --allow-address 10.0.0.0/8", "let pages of the private network be added"],
  ],
  notes: [
    "It listens on 127.0.0.1 only. Ctrl-C or SIGTERM finishes the work in hand; a second Ctrl-C ends at once: what was reported stored is safe either way.",
    "With --json it prints one line when it serves and one when it has drained.",
  ],
  run: serve,
};

async function serve(context: CommandContext): Promise<ExitCode> {
  const { terminal, options, signal, environment } = context;
  const onDefect = (error: unknown) => printDefect(terminal, error, Boolean(environment.MILLRACE_DEBUG));
  const { startServer, VERSION } = await loadServer();
  const server = await startServer({
    ...engineOptions(context),
    retention: toRetention(options),
    mode: options["stream-mode"],
    profile: options.profile,
    alerts: toAlerts(options),
    ...toSchedule(options),
    port: options.port,
    isPrestarted: true,
    onDefect,
  });
  if (options.json)
    terminal.json({ event: "serving", url: server.url, data: options.data, version: VERSION, pid: process.pid });
  else printWelcome(terminal, server, { data: options.data, version: VERSION });
  await aborted(signal);
  if (!options.json) terminal.err("Stopping: finishing the work in hand (Ctrl-C again ends at once) …");
  const report = await server.close();
  if (options.json) terminal.json({ event: "drained", ...report });
  else printDrain(terminal, report);
  return 0;
}

function toAlerts({ "throughput-target": throughputTarget }: OptionValues): ServerOptions["alerts"] & object {
  return throughputTarget === undefined ? {} : { throughputTarget };
}

function toSchedule({
  "consolidate-every": consolidateEveryMs,
}: OptionValues): Pick<ServerOptions, "consolidateEveryMs"> {
  return consolidateEveryMs === undefined ? {} : { consolidateEveryMs };
}

function printWelcome(
  { out, style }: Terminal,
  server: Server,
  { data, version }: { readonly data: string; readonly version: string },
): void {
  const label = (text: string) => style("dim", text.padEnd(11));
  const command = (text: string) => style("cyan", text);
  const isUsual = server.url.endsWith(`:${OPTIONS.port.default}`);
  const url = ` --url ${server.url}`;
  out();
  out(`  ${style("bold", "Millrace")} ${version} ${style("green", "is running")}`);
  out();
  out(`  ${label("Dashboard")}${style(["bold", "underline"], server.url.replace("127.0.0.1", "localhost"))}`);
  out(`  ${label("Data")}${data}`);
  out();
  out(`  ${style("bold", "Next")}, in another terminal (or on the dashboard):`);
  out(`  ${label("add")}${command(`${INVOCATION} add ./docs${url}`)}`);
  out(`  ${label("ask")}${command(`${INVOCATION} recall "how do I …?"${url}`)}`);
  out(`  ${label("from code")}${command(`POST ${server.url}/v1/spaces/default/recall {"query": "…"}`)}`);
  out();
  out(
    `  ${style("dim", `Ctrl-C stops it; nothing stored is lost.${isUsual ? "" : " The port is not the usual 4100."}`)}`,
  );
  out();
}

function printDrain({ out, style }: Terminal, { isComplete, jobsLeft, tookMs }: DrainReport): void {
  const state = isComplete
    ? style("green", "Stopped cleanly")
    : style("yellow", "Stopped before all work in hand was done");
  const left =
    jobsLeft === 0
      ? "no job was left open"
      : `${formatPlural(jobsLeft, "job")} left open: "millrace jobs" shows how to resume`;
  out(`${state} in ${formatDuration(tookMs)}; ${left}.`);
}

function printDefect({ err, styleErr }: Terminal, error: unknown, isDebug: boolean): void {
  const failure = MillraceError.from(error);
  err(`${styleErr(["bold", "red"], "defect:")} ${failure.message} ${styleErr("dim", "(internal; please report it)")}`);
  if (isDebug && error instanceof Error) err(error.stack ?? "");
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
