/** Arguments and environment to checked values. */
import { parseArgs } from "node:util";
import { checkInteger, MillraceError } from "@millrace/core";
import { nearest } from "./nearest.ts";
import { OPTIONS, type OptionName, type OptionSpec, type OptionValues, OTHER_VARIABLES } from "./options.ts";

export type Environment = Readonly<Record<string, string | undefined>>;
export type ReadOptions = {
  readonly values: OptionValues;
  readonly operands: readonly string[];
  /** Options given as arguments, not by the environment or default. */
  readonly given: ReadonlySet<OptionName>;
};

const SPECS: Readonly<Record<OptionName, OptionSpec>> = OPTIONS;
const NAMES = Object.keys(SPECS) as OptionName[];
const BYTES = /^(\d+(?:\.\d+)?)\s*(?:([KMGT])i?B?|B)?$/i;
const DURATION = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)$/i;
const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const POWER: Readonly<Record<string, number>> = { K: 1, M: 2, G: 3, T: 4 };

/** Reads the arguments of one command, which takes `allowed`. Throws `invalid_argument` with the nearest name for one it does not know. */
export function readOptions(
  args: readonly string[],
  environment: Environment,
  { command, allowed }: { readonly command: string; readonly allowed: readonly OptionName[] },
): ReadOptions {
  checkEnvironment(environment);
  const raw = parse(args, command, allowed);
  const values: Record<string, unknown> = {};
  for (const name of NAMES) {
    const spec = SPECS[name];
    const fromEnvironment = allowed.includes(name) && spec.env ? environment[spec.env] : undefined;
    const text = raw.texts.get(name);
    if (text !== undefined) values[name] = toValue(`--${flagName(name)}`, spec, text);
    else if (fromEnvironment) values[name] = toValue(spec.env ?? name, spec, [fromEnvironment]);
    else values[name] = "default" in spec ? spec.default : absent(spec);
  }
  return { values: values as OptionValues, operands: raw.operands, given: new Set(raw.texts.keys()) };
}

/** What is typed after the dashes. */
export function flagName(name: OptionName): string {
  return SPECS[name].flag ?? name;
}

function absent({ kind }: OptionSpec): unknown {
  return kind === "flag" ? false : kind === "list" ? [] : undefined;
}

function parse(
  args: readonly string[],
  command: string,
  allowed: readonly OptionName[],
): { texts: Map<OptionName, string[]>; operands: string[] } {
  const options: Record<string, { type: "boolean" | "string"; short?: string; multiple: true }> = {};
  for (const name of allowed) {
    const { kind, short } = SPECS[name];
    const type = kind === "flag" ? "boolean" : "string";
    options[flagName(name)] = { type, multiple: true, ...(short ? { short } : {}) };
  }
  const { tokens } = parseArgs({ args: [...args], options, allowPositionals: true, strict: false, tokens: true });
  const texts = new Map<OptionName, string[]>();
  const operands: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") operands.push(token.value);
    if (token.kind !== "option") continue;
    const name = allowed.find((known) => flagName(known) === token.name);
    if (!name) throw unknownOption(token.rawName, command, allowed);
    const before = texts.get(name) ?? [];
    const isList = SPECS[name].kind === "list";
    if (before.length > 0 && !isList) throw invalid(`${token.rawName} is given twice; give it once`);
    texts.set(name, [...before, readToken(token, SPECS[name])]);
  }
  return { texts, operands };
}

function readToken(
  token: { rawName: string; value?: string | undefined; inlineValue?: boolean | undefined },
  spec: OptionSpec,
): string {
  if (spec.kind === "flag") {
    if (token.value === undefined) return "true";
    throw invalid(`${token.rawName} takes no value; write ${token.rawName} alone`);
  }
  const isNextOption = token.inlineValue === false && token.value !== "-" && token.value?.startsWith("-");
  if (token.value !== undefined && token.value !== "" && !isNextOption) return token.value;
  throw invalid(`${token.rawName} needs a value: ${token.rawName} ${spec.value}`);
}

function toValue(name: string, spec: OptionSpec, texts: readonly string[]): unknown {
  const text = texts[0] ?? "";
  switch (spec.kind) {
    case "flag":
      return true;
    case "text":
      return text;
    case "list":
      if (spec.separator === "none") return texts;
      return texts.flatMap((one) => one.split(",")).map((one) => one.trim());
    case "integer":
      return checkInteger(name, /^\d+$/.test(text) ? Number(text) : text, spec);
    case "bytes":
      return toBytes(name, text);
    case "duration":
      return toMs(name, text);
    case "choice":
      if (spec.choices.includes(text)) return text;
      throw invalid(
        `${name} is ${JSON.stringify(text)}; it must be ${spec.choices.join(", ")}${meant(text, spec.choices)}`,
      );
  }
}

function toBytes(name: string, text: string): number {
  const match = BYTES.exec(text.trim());
  const bytes = match ? Math.floor(Number(match[1]) * 1024 ** (POWER[match[2]?.toUpperCase() ?? ""] ?? 0)) : 0;
  if (bytes > 0 && Number.isSafeInteger(bytes)) return bytes;
  throw invalid(`${name} is ${JSON.stringify(text)}; it must be a size such as 500MB or 20GB`);
}

function toMs(name: string, text: string): number {
  const match = DURATION.exec(text.trim());
  const ms = match ? Math.round(Number(match[1]) * (UNIT_MS[match[2]?.toLowerCase() ?? ""] ?? 0)) : 0;
  if (ms > 0 && Number.isSafeInteger(ms)) return ms;
  throw invalid(`${name} is ${JSON.stringify(text)}; it must be a time such as 90m, 12h or 7d`);
}

function unknownOption(rawName: string, command: string, allowed: readonly OptionName[]): MillraceError {
  const word = rawName.replace(/^-+/, "");
  const elsewhere = NAMES.find((name) => flagName(name) === word);
  const hint = elsewhere
    ? `; that belongs to another command`
    : meant(word, allowed.map(flagName), "--") || `; "millrace ${command} --help" lists its options`;
  return invalid(`${command} has no option ${rawName}${hint}`);
}

/** A variable that is nearly one of ours is a misspelling, and would be ignored in silence. */
function checkEnvironment(environment: Environment): void {
  const known = new Set<string>([...NAMES.flatMap((name) => SPECS[name].env ?? []), ...OTHER_VARIABLES]);
  for (const name of Object.keys(environment)) {
    if (!name.startsWith("MILLRACE_") || known.has(name)) continue;
    const near = nearest(
      name.slice("MILLRACE_".length),
      [...known].map((one) => one.slice("MILLRACE_".length)),
    );
    if (near) throw invalid(`the environment variable ${name} is not known; did you mean MILLRACE_${near}?`);
  }
}

function meant(word: string, names: readonly string[], prefix = ""): string {
  const near = nearest(word, names);
  return near ? `; did you mean ${prefix}${near}?` : "";
}

function invalid(message: string): MillraceError {
  return new MillraceError("invalid_argument", message);
}
