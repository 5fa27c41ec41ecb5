import type { OptionName, OptionValues } from "./options.ts";
import type { Environment } from "./read-options.ts";
import type { Terminal } from "./terminal.ts";

/** 0 all done · 1 something failed · 2 wrong usage · 130 ended by Ctrl-C. */
export type ExitCode = 0 | 1 | 2 | 130;

export type CommandContext = {
  readonly terminal: Terminal;
  readonly options: OptionValues;
  /** Options given as arguments rather than by a variable or default. */
  readonly given: ReadonlySet<OptionName>;
  readonly operands: readonly string[];
  readonly environment: Environment;
  /** Aborts at the first Ctrl-C or SIGTERM; a second one ends the process at once. */
  readonly signal: AbortSignal;
  readonly stdin: AsyncIterable<Uint8Array> & { readonly isTTY?: boolean; destroy(error: Error): void };
};

export type Command = {
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  /** What comes after the name, for example `<dir|file|url|-> …`. */
  readonly usage: string;
  readonly operands: { readonly min: number; readonly max: number };
  readonly options: readonly OptionName[];
  /** Its arguments are not read here but given to another program as they are. */
  readonly takesAnyOption?: true;
  /** Command line and what it does. */
  readonly examples: readonly (readonly [string, string])[];
  /** More to know, one paragraph each. */
  readonly notes?: readonly string[];
  readonly run: (context: CommandContext) => Promise<ExitCode>;
};
