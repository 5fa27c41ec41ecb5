import type { Command, CommandContext, ExitCode } from "../command.ts";
import { loadServer } from "../server-module.ts";
import type { Style } from "../terminal.ts";
import type { Check } from "./check.ts";
import { checkDataDirectory, checkDisk } from "./data-directory.ts";
import { checkNode, checkSqlite, checkWebAssembly } from "./runtime.ts";
import { checkChromium, checkNats, checkPort, checkTransformers } from "./surroundings.ts";

const MARKS: Readonly<Record<Check["state"], readonly [string, Style]>> = {
  ok: ["✓ ok  ", "green"],
  warn: ["! warn", "yellow"],
  fail: ["✗ fail", "red"],
};
const NAME_COLUMNS = 13;

/** Looks at the machine and says what is missing and what to do. */
export const doctorCommand: Command = {
  name: "doctor",
  summary: "check this machine and say what to do",
  usage: "",
  operands: { min: 0, max: 0 },
  options: ["port", "data", "json", "help"],
  examples: [
    ["millrace doctor", "the usual port and ./.millrace"],
    [
      "millrace doctor --port 8080 --data /srv/millrace --json",
      "others, as {ok, version, checks: [{name, state, found, fix}]}",
    ],
  ],
  notes: ["It changes nothing. Exit code 1 when something fails; warnings name what is optional or slow."],
  run: doctor,
};

async function doctor({ options, environment, terminal }: CommandContext): Promise<ExitCode> {
  const { VERSION } = await loadServer();
  const checks: Check[] = [
    checkNode(),
    checkWebAssembly(),
    checkSqlite(),
    checkDataDirectory(options.data),
    checkDisk(options.data),
    await checkPort(options.port),
    checkTransformers(),
    checkChromium(environment),
    checkNats(environment),
  ];
  const isOk = checks.every(({ state }) => state !== "fail");
  if (options.json) {
    terminal.json({ ok: isOk, version: VERSION, checks });
    return isOk ? 0 : 1;
  }
  const { out, style } = terminal;
  for (const { name, state, found, fix } of checks) {
    const [mark, colour] = MARKS[state];
    out(`${style(colour, mark)}  ${style("bold", name.padEnd(NAME_COLUMNS))} ${found}`);
    if (fix) out(`${" ".repeat(NAME_COLUMNS + 9)}${style("dim", fix)}`);
  }
  out();
  out(isOk ? `Millrace ${VERSION} can run here.` : `Millrace ${VERSION} cannot run here yet: see what fails above.`);
  return isOk ? 0 : 1;
}
