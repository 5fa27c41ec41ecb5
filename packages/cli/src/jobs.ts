import type { Client, Job, JobState } from "@millrace/client";
import { MillraceError } from "@millrace/core";
import { resumeJob } from "./add/add.ts";
import type { Command, CommandContext, ExitCode } from "./command.ts";
import { EMBEDDING_OPTIONS, type EngineLink, LINK_OPTIONS, openEngine } from "./engine-link.ts";
import { formatBytes, formatCount, formatDate, formatDuration, formatPlural } from "./format.ts";
import { INVOCATION } from "./invocation.ts";
import { nearest } from "./nearest.ts";
import { type Column, printTable } from "./table.ts";
import type { Style } from "./terminal.ts";

const ACTIONS = ["list", "show", "resume", "cancel"] as const;
type Action = (typeof ACTIONS)[number];
const JOBS_SHOWN = 20;

const STATE_STYLE: Readonly<Record<JobState, Style>> = {
  running: "cyan",
  done: "green",
  error: "red",
  interrupted: "yellow",
};

const COLUMNS: readonly Column<Job>[] = [
  { title: "job", text: ({ job }) => job },
  { title: "state", text: ({ state }) => state, style: ({ state }) => STATE_STYLE[state] },
  { title: "space", text: ({ space }) => space },
  { title: "stored", text: ({ stored, total }) => `${formatCount(stored)}/${formatCount(total)}`, align: "right" },
  { title: "failed", text: ({ failed }) => formatCount(failed), align: "right" },
  { title: "took", text: ({ elapsedMs }) => formatDuration(elapsedMs), align: "right" },
  { title: "begun", text: ({ createdMs }) => formatDate(createdMs) },
];

/** Jobs: what adds did, and control over those that run or were interrupted. */
export const jobsCommand: Command = {
  name: "jobs",
  summary: "list jobs; show, resume or cancel one",
  usage: "[list | show JOB | resume JOB | cancel JOB]",
  operands: { min: 0, max: 2 },
  options: [...LINK_OPTIONS, "space", "limit", ...EMBEDDING_OPTIONS, "json", "help"],
  examples: [
    ["millrace jobs", `the ${JOBS_SHOWN} newest of ./.millrace`],
    ["millrace jobs show 01k7… --url http://127.0.0.1:4100", "one job with its errors"],
    ["millrace jobs resume 01k7…", "go on with an interrupted one; run it where the files are"],
  ],
  notes: ["--json prints {jobs: [...]} for list, the job for show and cancel, and what add prints for resume."],
  run: jobs,
};

async function jobs(context: CommandContext): Promise<ExitCode> {
  const action = toAction(context.operands[0] ?? "list");
  const job = context.operands[1];
  if (action === "list") return list(context);
  if (job === undefined) {
    throw new MillraceError(
      "invalid_argument",
      `jobs ${action} which? millrace jobs ${action} JOB; "millrace jobs" lists them`,
    );
  }
  if (action === "resume") return resumeJob(context, job);
  await using link = await openEngine(context, { mustExist: true });
  const { signal } = context;
  const handle = link.client.job(job);
  return await show(context, link, action === "show" ? await handle.get({ signal }) : await handle.cancel({ signal }));
}

async function list(context: CommandContext): Promise<ExitCode> {
  const { options, given, terminal, signal } = context;
  await using link = await openEngine(context, { mustExist: true });
  const space = given.has("space") ? options.space : undefined;
  const found = await link.client.jobs.list({ space, limit: options.limit ?? JOBS_SHOWN, signal });
  if (options.json) terminal.json({ jobs: found });
  else if (found.length === 0) terminal.err("There is no job yet; each add is one: millrace add DIR");
  else printTable(terminal, found, COLUMNS);
  return 0;
}

async function show({ terminal, options }: CommandContext, link: EngineLink, job: Job): Promise<ExitCode> {
  if (options.json) {
    terminal.json(job);
    return 0;
  }
  const { out, style } = terminal;
  out(
    `${style("bold", job.job)} ${style(STATE_STYLE[job.state], job.state)} · space ${job.space} · begun ${formatDate(job.createdMs)}`,
  );
  out(
    `  ${formatCount(job.stored)} of ${formatPlural(job.total, "source")} stored, ${formatCount(job.failed)} failed, ${formatCount(job.open)} open`,
  );
  out(`  ${formatPlural(job.chunks, "passage")} · ${formatBytes(job.bytes)} · ${formatDuration(job.elapsedMs)}`);
  if (job.resumes) out(`  goes on with ${job.resumes}`);
  if (job.resumedBy) out(`  resumed by ${job.resumedBy}`);
  for (const { source, error } of job.errors)
    out(`  ${style("red", "✗")} ${source} ${style("dim", `(${error.code})`)} ${error.message}`);
  if (job.state === "interrupted" && !job.resumedBy) out(await advice(link.client, job, link.reach));
  return 0;
}

/** Files whose bytes never came are read again from their paths, so it matters where it is run. */
async function advice(client: Client, { job }: Job, reach: string): Promise<string> {
  const { sources } = await client.job(job).sources({ state: "waiting", limit: 1 });
  const where = sources.length === 0 ? "" : ", in the directory it was added from";
  return `  go on with: ${INVOCATION} jobs resume ${job}${reach}${where}`;
}

function toAction(word: string): Action {
  const action = ACTIONS.find((one) => one === word);
  if (action) return action;
  const near = nearest(word, ACTIONS);
  const hint = near ? `did you mean ${near}?` : `it takes ${ACTIONS.join(", ")}`;
  throw new MillraceError("invalid_argument", `jobs has no action ${JSON.stringify(word)}; ${hint}`);
}
