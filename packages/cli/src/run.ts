/** From arguments to an exit code. */
import { MillraceError } from "@millrace/core";
import type { Command, CommandContext, ExitCode } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { fixFor } from "./fixes.ts";
import { printCommandHelp, printOverview } from "./help.ts";
import { nearest } from "./nearest.ts";
import { readOptions } from "./read-options.ts";
import { loadServer } from "./server-module.ts";
import { createTerminal, type Terminal } from "./terminal.ts";

export type RunOptions = Pick<CommandContext, "terminal" | "environment" | "signal" | "stdin">;

/** Runs one command line; `args` begin with the command's name. Never throws: errors are printed and become the exit code. */
export async function run(args: readonly string[], options: RunOptions): Promise<ExitCode> {
  const { terminal } = options;
  const isJson = args.includes("--json");
  try {
    return await dispatch(args, options);
  } catch (error) {
    const failure = MillraceError.from(error);
    if (options.signal.aborted && failure.code === "cancelled") {
      terminal.err("Stopped.");
      return 130;
    }
    printError(terminal, failure, { isJson, isDebug: Boolean(options.environment.MILLRACE_DEBUG) });
    return failure.code === "invalid_argument" ? 2 : 1;
  }
}

/** Runs the arguments of this process and sets its exit code. The first Ctrl-C lets the command end, the second ends it at once. */
export async function runProcess(): Promise<void> {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      // A supervisor that signals the whole group may deliver SIGTERM twice; only a second Ctrl-C is somebody in a hurry.
      if (controller.signal.aborted && name === "SIGINT") process.exit(130);
      controller.abort(new MillraceError("cancelled", "stopped by the user"));
    });
  }
  // A reader such as "head" that has read enough is no error.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
  const { env: environment, stdin } = process;
  const { signal } = controller;
  const terminal = createTerminal(process);
  // A defect that no command caught is told like any other error, and what was promised durable is.
  process.on("uncaughtException", (error) => {
    const isDebug = Boolean(environment.MILLRACE_DEBUG);
    printError(terminal, MillraceError.from(error), { isJson: process.argv.includes("--json"), isDebug });
    process.exit(1);
  });
  process.exitCode = await run(process.argv.slice(2), { terminal, environment, signal, stdin });
}

async function dispatch(args: readonly string[], options: RunOptions): Promise<ExitCode> {
  const { terminal, environment } = options;
  const [name, ...rest] = args;
  if (name === "--version" || name === "-v" || name === "version") {
    terminal.out((await loadServer()).VERSION);
    return 0;
  }
  if (name === undefined || name === "--help" || name === "-h" || (name === "help" && rest.length === 0)) {
    printOverview(terminal, COMMANDS);
    return 0;
  }
  if (name === "help") {
    printCommandHelp(terminal, find(rest[0] ?? ""));
    return 0;
  }
  const command = find(name);
  if (rest.includes("--help") || rest.includes("-h")) {
    printCommandHelp(terminal, command);
    return 0;
  }
  return start(command, rest, { ...options, environment });
}

function start(command: Command, args: readonly string[], options: RunOptions): Promise<ExitCode> {
  const about = { command: command.name, allowed: command.options };
  const { values, operands, given } = command.takesAnyOption
    ? { ...readOptions([], options.environment, about), operands: args }
    : readOptions(args, options.environment, about);
  const { min, max } = command.operands;
  if (operands.length < min || operands.length > max) {
    const what = operands.length < min ? "misses an argument" : `takes no more than ${max || "its options"}`;
    const extra = operands.length > max ? `; ${JSON.stringify(operands[max])} is one too many` : "";
    const text = `${command.name} ${what}${extra}: millrace ${command.name} ${command.usage}`.trimEnd();
    throw new MillraceError("invalid_argument", text);
  }
  return command.run({ ...options, options: values, given, operands });
}

function find(name: string): Command {
  const command = COMMANDS.find((one) => one.name === name);
  if (command) return command;
  const names = COMMANDS.map((one) => one.name);
  if (name.startsWith("-")) {
    throw new MillraceError("invalid_argument", `begin with a command, then ${name}: ${names.join(", ")}`);
  }
  const near = nearest(name, names);
  const hint = near ? `did you mean ${near}?` : `the commands are ${names.join(", ")}`;
  throw new MillraceError("invalid_argument", `there is no command ${JSON.stringify(name)}; ${hint}`);
}

function printError(
  terminal: Terminal,
  error: MillraceError,
  { isJson, isDebug }: { readonly isJson: boolean; readonly isDebug: boolean },
): void {
  const { err, styleErr } = terminal;
  const fix = fixFor(error.code);
  if (isJson) {
    const { code, message, retryable } = error;
    err(JSON.stringify({ error: { code, message, retryable, ...(fix ? { fix } : {}) } }));
  } else {
    err(`${styleErr(["bold", "red"], "error:")} ${error.message} ${styleErr("dim", `(${error.code})`)}`);
    if (fix) err(`  ${styleErr("cyan", "fix:")} ${fix}`);
  }
  if (!isDebug) return;
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) err(cause.stack ?? String(cause));
}
