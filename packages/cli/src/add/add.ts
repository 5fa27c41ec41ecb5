import { type Client, type Job, toSpaceId } from "@millrace/client";
import { MillraceError, systemClock } from "@millrace/core";
import type { Command, CommandContext, ExitCode } from "../command.ts";
import { EMBEDDING_OPTIONS, LINK_OPTIONS, openEngine } from "../engine-link.ts";
import { URLS_MAX } from "../limits.ts";
import { type Expanded, expandSources } from "./expand-sources.ts";
import { FollowedJob } from "./follow-job.ts";
import { showProgress } from "./progress.ts";
import { putWaiting } from "./put-waiting.ts";
import { printSummary, toJson } from "./summary.ts";
import { Tally } from "./tally.ts";

/** Time a cancel at Ctrl-C may take: past it the engine is away, and finds the job interrupted by itself. */
const CANCEL_MS = 3_000;

/** Adds files, directories, pages and stdin to a space, with progress, and says what came of each. */
export const addCommand: Command = {
  name: "add",
  summary: "add files, directories, pages or stdin to a space",
  usage: "<dir|file|url|-> …",
  operands: { min: 0, max: Number.POSITIVE_INFINITY },
  options: [
    "space",
    ...LINK_OPTIONS,
    "source",
    "resume",
    ...EMBEDDING_OPTIONS,
    "data-bytes-max",
    "allow-address",
    "ignore-robots",
    "json",
    "help",
  ],
  examples: [
    [
      "millrace add ./docs --space docs",
      "every HTML, PDF, Markdown and text file below ./docs, without a running engine",
    ],
    ["millrace add ./docs https://example.org/ --url http://127.0.0.1:4100", "files and a page, to a running engine"],
    ["cat notes.md | millrace add - --source notes.md", "a text from stdin"],
    ["millrace add --resume 01k7…", "go on with an add that was stopped"],
  ],
  notes: [
    "A source is named by its path as typed, for example docs/guide/start.md. Adding it again replaces it, or does nothing when it is unchanged.",
    "One file that cannot be read is one error; the rest goes on. Exit code 0: every source is stored (or was, unchanged); 1: some are not, each with its error.",
    "A page that was added before is asked for again each time, and is unchanged when its site says so. --ignore-robots is for the engine opened here; one that runs heeds robots.txt for all its clients.",
    "--json prints one object: {documents, chunks, bytes, errors: [{source, code, message}], tookMs, unchanged, job, jobs}.",
  ],
  run: add,
};

async function add(context: CommandContext): Promise<ExitCode> {
  const { options, operands, terminal, signal } = context;
  checkUsage(context);
  toSpaceId(options.space);
  const tally = new Tally();
  const expanded = operands.length === 0 ? undefined : await expandSources(context, tally);
  const isNothing = expanded && expanded.files.length + expanded.urls.length === 0;
  const engine = isNothing ? { space: options.space, reach: "" } : await work(context, expanded, tally);
  const outcome = { ...engine, isStopped: signal.aborted };
  if (options.json) terminal.json(toJson(tally, outcome));
  else printSummary(terminal, tally, outcome);
  if (outcome.isStopped && tally.open > 0) return 130;
  return tally.errors.length === 0 && tally.open === 0 ? 0 : 1;
}

/** Opens the engine and adds, or goes on; what Ctrl-C or a failure leaves half-way is ended, so that it can be resumed at once. */
async function work(
  context: CommandContext,
  expanded: Expanded | undefined,
  tally: Tally,
): Promise<{ readonly space: string; readonly reach: string }> {
  const { options, signal, terminal } = context;
  await using link = await openEngine(context, { mustExist: !expanded });
  const { client, reach } = link;
  using _bar = showProgress(terminal, tally, options.json);
  try {
    if (!expanded) return { space: await resume(client, options.resume ?? "", { tally, signal }), reach };
    await send(client, options.space, expanded, { tally, signal });
  } catch (error) {
    await cancelAll(client, tally);
    if (!signal.aborted) throw error;
  }
  return { space: options.space, reach };
}

/** Goes on with an interrupted job; `jobs resume` is this. Prints as add does. */
export function resumeJob(context: CommandContext, job: string): Promise<ExitCode> {
  return add({ ...context, operands: [], options: { ...context.options, resume: job } });
}

function checkUsage({ operands, options, given }: CommandContext): void {
  if (options["ignore-robots"] && options.url !== undefined && !given.has("data")) {
    throw new MillraceError(
      "invalid_argument",
      "--ignore-robots is for the engine that add opens itself; a running one heeds robots.txt for all its clients: leave out --url, or read the page by millrace extract --ignore-robots",
    );
  }
  if (operands.length === 0 && options.resume === undefined) {
    throw new MillraceError("invalid_argument", "add what? millrace add <dir|file|url|-> …, or --resume JOB");
  }
  if (operands.length > 0 && options.resume !== undefined) {
    throw new MillraceError(
      "invalid_argument",
      "--resume takes the sources of the job; leave out the others, or --resume",
    );
  }
  if (options.source !== undefined && !operands.includes("-")) {
    throw new MillraceError("invalid_argument", '--source names what is read from stdin; add "-" to read it');
  }
}

/** Why the other jobs of an add are stopped when one was ended from elsewhere. */
const INTERRUPTED = new MillraceError("cancelled", "the job was interrupted");

type Work = { readonly tally: Tally; readonly signal: AbortSignal };

/** Sends everything and settles when every job has ended; the first that is lost stops the others. */
async function send(client: Client, space: string, { files, urls }: Expanded, { tally, signal }: Work): Promise<void> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const followed = new Map<string, FollowedJob>();
  const ends: Promise<void>[] = [];
  const follow = (job: Job) => {
    const one = new FollowedJob(client, job, tally);
    followed.set(job.job, one);
    const end = one.follow(either);
    end.then(
      () => one.wasInterrupted && stop.abort(INTERRUPTED),
      (error: unknown) => stop.abort(error),
    );
    ends.push(end);
  };
  try {
    for (let at = 0; at < urls.length; at += URLS_MAX) {
      const sources = urls.slice(at, at + URLS_MAX).map((url) => ({ url }));
      follow(await client.space(space).add(sources, { signal: either }));
    }
    for await (const event of client.space(space).upload(files, { signal: either })) {
      if (event.kind === "job") follow(event.job);
      else if (event.kind === "failed") await followed.get(event.job)?.unsent(event.index, event.error);
    }
  } catch (error) {
    stop.abort(error);
  }
  await Promise.allSettled(ends);
  if (stop.signal.reason === INTERRUPTED) await cancelAll(client, tally);
  else if (stop.signal.aborted) throw stop.signal.reason;
}

async function resume(client: Client, interrupted: string, { tally, signal }: Work): Promise<string> {
  const job = await client.job(interrupted).resume({ signal });
  tally.total = job.total;
  const followed = new FollowedJob(client, job, tally);
  const stop = new AbortController();
  const end = followed.follow(AbortSignal.any([signal, stop.signal]));
  end.catch(() => {});
  try {
    await putWaiting(client, job, followed, signal);
  } catch (error) {
    stop.abort();
    throw error;
  }
  await end;
  return job.space;
}

/** What was stopped half-way is ended, so that it can be resumed at once. A job that has ended, or an engine that is away, is left. */
async function cancelAll(client: Client, { jobs }: Tally): Promise<void> {
  const limit = new AbortController();
  const cancelTimer = systemClock.after(CANCEL_MS, () => limit.abort());
  await Promise.allSettled(jobs.map((job) => client.job(job).cancel({ signal: limit.signal })));
  cancelTimer();
}
