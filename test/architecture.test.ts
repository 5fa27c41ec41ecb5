import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "..");

/** What each package may import, itself excepted: the direction in which data flows. Change it with a decision record. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  core: [],
  protocol: ["core"],
  extract: ["core", "protocol"],
  stream: ["core", "protocol"],
  vector: ["core", "protocol"],
  memory: ["core", "protocol", "stream", "vector"],
  client: ["protocol"],
  dashboard: ["client"],
  server: ["core", "protocol", "extract", "stream", "vector", "memory", "dashboard"],
  cli: ["core", "protocol", "client", "server"],
};

const IMPORT =
  /^\s*(?:import|export)\s[^"']*?from\s+["']([^"']+)["']|^\s*import\s+["']([^"']+)["']|import\(\s*["']([^"']+)["']/gm;

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), "utf8");
  return [...text.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? match[3] ?? "");
}

function packageOf(specifier: string): string | undefined {
  if (specifier === "millrace" || specifier.startsWith("millrace/")) return "cli";
  return /^@millrace\/([^/]+)/.exec(specifier)?.[1];
}

test("every package directory has a rule, and every rule a package", () => {
  const found = globSync("packages/*/package.json", { cwd: root }).map((path) => path.split("/")[1]);
  assert.deepEqual(found.sort(), Object.keys(MAY_IMPORT).sort());
});

for (const [name, allowed] of Object.entries(MAY_IMPORT)) {
  test(`${name} imports only ${allowed.join(", ") || "nothing of the other packages"}`, () => {
    const wrong: string[] = [];
    for (const file of globSync(`packages/${name}/src/**/*.ts`, { cwd: root })) {
      for (const specifier of importsOf(file)) {
        const target = packageOf(specifier);
        if (target && target !== name && !allowed.includes(target)) wrong.push(`${file} imports ${specifier}`);
        if (target === name) wrong.push(`${file} imports its own package by name: ${specifier}`);
        if (specifier.startsWith(".") && !specifier.endsWith(".ts"))
          wrong.push(`${file} imports ${specifier}, not a .ts file`);
        if (/^\.\..*packages\//.test(specifier)) wrong.push(`${file} reaches into a package by path: ${specifier}`);
      }
    }
    assert.deepEqual(wrong, []);
  });
}

test("core, protocol and client import no Node module, so that they run in a browser", () => {
  const files = ["core", "protocol", "client", "dashboard"].flatMap((name) =>
    globSync(`packages/${name}/src/**/*.ts`, { cwd: root }),
  );
  const wrong = files.flatMap((file) =>
    importsOf(file)
      .filter((to) => to.startsWith("node:"))
      .map((to) => `${file}: ${to}`),
  );
  assert.deepEqual(wrong, []);
});

test("the scanner sees every import form", () => {
  const forms = [
    'import a from "x";',
    'import "x";',
    'export * from "x";',
    'import {\n  a,\n} from "x";',
    'await import("x");',
  ];
  for (const form of forms) assert.equal([...form.matchAll(IMPORT)].length, 1, form);
});
