import type { Command } from "./command.ts";
import { OPTIONS, type OptionName, type OptionSpec } from "./options.ts";
import { flagName } from "./read-options.ts";
import type { Terminal } from "./terminal.ts";

const SPECS: Readonly<Record<OptionName, OptionSpec>> = OPTIONS;
const EXIT_CODES = "Exit codes: 0 all done, 1 something failed, 2 wrong usage, 130 ended by Ctrl-C.";
const INDENT = "  ";

/** The list of commands. */
export function printOverview(terminal: Terminal, commands: readonly Command[]): void {
  const { out, style } = terminal;
  const width = Math.max(...commands.map(({ name }) => name.length)) + 2;
  out(`${style("bold", "millrace")}: a streaming memory engine for AI agents`);
  out();
  out(`${style("bold", "Usage")}  millrace <command> [options]`);
  out();
  for (const { name, summary } of commands) out(`${INDENT}${style("cyan", name.padEnd(width))}${summary}`);
  out();
  const text = `"millrace <command> --help" shows options and examples, "millrace --version" the version. ${EXIT_CODES}`;
  for (const line of wrap(text, terminal.columns)) out(line);
}

/** One command: usage, examples, options. */
export function printCommandHelp(terminal: Terminal, command: Command): void {
  const { out, style } = terminal;
  out(`${style("bold", `millrace ${command.name}`)} · ${command.summary}`);
  out();
  out(`${style("bold", "Usage")}  millrace ${command.name} ${[command.usage, "[options]"].filter(Boolean).join(" ")}`);
  out();
  out(style("bold", "Examples"));
  for (const [line, what] of command.examples) {
    out(`${INDENT}${style("cyan", line)}`);
    out(`${INDENT}${INDENT}${style("dim", what)}`);
  }
  out();
  out(style("bold", "Options"));
  const rows = command.options.map((name) => [flagOf(name), describe(SPECS[name])] as const);
  const width = Math.min(28, Math.max(...rows.map(([flag]) => flag.length)));
  for (const [flag, text] of rows) {
    const lines = wrap(text, Math.max(30, terminal.columns - width - 6));
    const isLong = flag.length > width;
    if (isLong) out(`${INDENT}${flag}`);
    lines.forEach((line, at) => {
      out(`${INDENT}${(at === 0 && !isLong ? flag : "").padEnd(width)}  ${style("dim", line)}`);
    });
  }
  for (const note of [...(command.notes ?? []), EXIT_CODES]) {
    out();
    for (const line of wrap(note, terminal.columns)) out(line);
  }
}

function flagOf(name: OptionName): string {
  const { value, short } = SPECS[name];
  return [`${short ? `-${short}, ` : ""}--${flagName(name)}`, value].filter(Boolean).join(" ");
}

function describe(spec: OptionSpec): string {
  const isNamed = "default" in spec && spec.default !== undefined && !spec.help.includes("default");
  const parts = [isNamed ? `default ${spec.default}` : "", spec.env ?? ""].filter(Boolean);
  return parts.length === 0 ? spec.help : `${spec.help} [${parts.join(", ")}]`;
}

/** `text` in lines of at most `columns`, broken between words; a longer word stands alone. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/).filter(Boolean)) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return line === "" ? lines : [...lines, line];
}
