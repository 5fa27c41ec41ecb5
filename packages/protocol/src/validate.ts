import { MillraceError } from "@millrace/core";
import type { Static, TSchema } from "typebox";
import { Compile } from "typebox/compile";

/** Characters of a wrong value that a message shows. */
const SHOWN_MAX = 80;

/**
 * A function that returns a value of the schema's type or throws `invalid_argument` naming where in the value it is wrong,
 * what stands there and what should. Compiled once, at the call of createCheck.
 */
export function createCheck<Schema extends TSchema>(what: string, schema: Schema): (value: unknown) => Static<Schema> {
  const compiled = Compile(schema);
  return (value) => {
    if (compiled.Check(value)) return value as Static<Schema>;
    refuseBulk(what, value, schema);
    throw new MillraceError("invalid_argument", explain(what, value, compiled.Errors(value) as readonly Flaw[]));
  };
}

/** Fields no object of the protocol comes near: past it they are not looked at one by one. */
const FIELDS_MAX = 64;

/**
 * Explaining a wrong value visits all of it, so what is wrong by its sheer size is said first: a list above its limit, or an object with more
 * fields than any here has. Without this a body of 16 MB could hold the process for seconds.
 */
function refuseBulk(what: string, value: unknown, schema: TSchema): void {
  refuseFields(what, value);
  const { properties = {} } = schema as { properties?: Record<string, { maxItems?: number }> };
  for (const [name, { maxItems }] of Object.entries(properties)) {
    const list = isObject(value) ? value[name] : undefined;
    if (!Array.isArray(list)) continue;
    if (maxItems !== undefined && list.length > maxItems) {
      throw new MillraceError(
        "invalid_argument",
        `${what}.${name} has ${list.length} items; at most ${maxItems} are taken`,
      );
    }
    list.forEach((item, at) => {
      refuseFields(`${what}.${name}.${at}`, item);
    });
  }
}

function refuseFields(what: string, value: unknown): void {
  if (!isObject(value) || Array.isArray(value)) return;
  const count = Object.keys(value).length;
  if (count <= FIELDS_MAX) return;
  throw new MillraceError("invalid_argument", `${what} has ${count} fields; PROTOCOL.md lists those it may have`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

type Flaw = {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: object;
  readonly message: string;
};

/** The deepest flaw says most: a union reports every branch, and the branch that came furthest is the one meant. */
function explain(what: string, value: unknown, flaws: readonly Flaw[]): string {
  const telling = flaws.filter((flaw) => flaw.keyword !== "anyOf" && flaw.keyword !== "boolean");
  const deepest = telling.toSorted((a, b) => depthOf(b) - depthOf(a))[0] ?? flaws[0];
  if (!deepest) return `${what} is malformed`;
  const path = deepest.instancePath === "" ? what : `${what}${deepest.instancePath.replaceAll("/", ".")}`;
  const found = valueAt(value, deepest.instancePath);
  const shown = found === undefined ? "missing" : (JSON.stringify(found) ?? typeof found).slice(0, SHOWN_MAX);
  return `${path} is ${shown}; it ${ruleOf(deepest)}`;
}

function depthOf(flaw: Flaw): number {
  return flaw.instancePath.split("/").length;
}

function ruleOf(flaw: Flaw): string {
  const { allowedValue, allowedValues, additionalProperties, requiredProperties } = flaw.params as Record<
    string,
    unknown
  >;
  if (allowedValues) return `must be one of ${JSON.stringify(allowedValues)}`;
  if (allowedValue !== undefined) return `must be ${JSON.stringify(allowedValue)}`;
  if (additionalProperties) return `has fields that are not known: ${String(additionalProperties)}`;
  if (requiredProperties) return `lacks ${String(requiredProperties)}`;
  return flaw.message;
}

function valueAt(value: unknown, path: string): unknown {
  let at = value;
  for (const step of path.split("/").slice(1)) {
    const key = step.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Record<string, unknown>)[key];
  }
  return at;
}
