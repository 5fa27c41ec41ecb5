import assert from "node:assert/strict";
import { after, test } from "node:test";
import { COMMANDS } from "../src/commands.ts";
import { ESCAPE, folder, runCommand } from "./command.ts";

const place = folder();
after(() => place[Symbol.dispose]());
const cwd = place.path;

test("without a command it lists every command, on stdout, without colour", async () => {
  const { code, out, err } = await runCommand([], { cwd });
  assert.equal(code, 0);
  assert.equal(err, "");
  for (const { name, summary } of COMMANDS)
    assert.match(out, new RegExp(`${name} +${summary.replace(/[()]/g, "\\$&")}`));
  assert.ok(!out.includes(ESCAPE));
});

test("every command has help with usage, examples, options and exit codes", async () => {
  for (const { name } of COMMANDS) {
    const { code, out } = await runCommand([name, "--help"], { cwd });
    assert.equal(code, 0, name);
    for (const part of [`Usage  millrace ${name}`, "Examples", `  millrace ${name}`, "--json", "Exit codes: 0"]) {
      assert.ok(out.includes(part), `${name} --help misses ${part}`);
    }
  }
});

test("help COMMAND is COMMAND --help, and --version prints a version", async () => {
  const [long, short, version] = await Promise.all([
    runCommand(["help", "add"], { cwd }),
    runCommand(["add", "-h"], { cwd }),
    runCommand(["--version"], { cwd }),
  ]);
  assert.equal(long.out, short.out);
  assert.match(version.out, /^\d+\.\d+\.\d+\n$/);
});

const wrong: readonly (readonly [readonly string[], RegExp, Readonly<Record<string, string>>?])[] = [
  [["srve"], /no command "srve"; did you mean serve\?/],
  [["zzzzzz"], /the commands are serve, add/],
  [["--jsn"], /begin with a command/],
  [["add", "docs", "--spcae", "x"], /add has no option --spcae; did you mean --space\?/],
  [["recall", "x", "--resume", "y"], /recall has no option --resume; that belongs to another command/],
  [["serve", "--port", "70000"], /--port is 70000; it must be a whole number from 0 to 65535/],
  [["serve", "--port"], /--port needs a value: --port PORT/],
  [["serve", "--port", "--data"], /--port needs a value/],
  [["serve", "--embedding", "opnai"], /must be static, openai, transformers; did you mean openai\?/],
  [["serve", "--data-bytes-max", "much"], /it must be a size such as 500MB or 20GB/],
  [["serve", "x"], /"x" is one too many/],
  [["recall"], /recall misses an argument: millrace recall "<question>"/],
  [["recall", "x", "--space", "No Such"], /a space is named by 1 to 63 lower-case letters/],
  [["recall", "x", "-k", "0"], /--k is 0; it must be a whole number from 1 to 100/],
  [["recall", "x", "--url", "127.0.0.1:1"], /it must be http:\/\//],
  [["recall", "x", "--url", "http://127.0.0.1:1", "--data", "y"], /--url and --data are both given/],
  [["add"], /add what\?/],
  [["jobs", "resmue", "x"], /did you mean resume\?/],
  [["jobs", "show"], /jobs show which\?/],
  [["tail", "a b"], /a stream is named by/],
  [["tail", "x", "--after", "7"], /is not <epoch>:<seq>/],
  [["spaces"], /MILLRACE_PROT is not known; did you mean MILLRACE_PORT\?/, { MILLRACE_PROT: "1" }],
  [["serve"], /MILLRACE_PORT is "x"; it must be a whole number/, { MILLRACE_PORT: "x" }],
];
for (const [args, message, env = {}] of wrong) {
  test(`wrong usage is said in one line with its fix: ${args.join(" ")} ${Object.keys(env).join(" ")}`, async () => {
    const { code, out, err } = await runCommand(args, { cwd, env });
    assert.match(err, message);
    assert.match(err, /^error: .* \(invalid_argument\)\n$/);
    assert.equal(code, 2);
    assert.equal(out, "");
  });
}

test("with --json an error is one JSON object on stderr", async () => {
  const { code, out, err } = await runCommand(["recall", "x", "--json", "--url", "http://127.0.0.1:9"], { cwd });
  const { error } = JSON.parse(err) as { error: { code: string; message: string; retryable: boolean } };
  assert.equal(error.code, "unavailable");
  assert.match(error.message, /no engine answers at http:\/\/127\.0\.0\.1:9; start one with "millrace serve"/);
  assert.equal(out, "");
  assert.equal(code, 1);
});

test("a stack is shown only with MILLRACE_DEBUG", async () => {
  const args = ["spaces", "--url", "http://127.0.0.1:9"];
  const plain = await runCommand(args, { cwd });
  const debug = await runCommand(args, { cwd, env: { MILLRACE_DEBUG: "1" } });
  assert.doesNotMatch(plain.err, /\n\s+at /);
  assert.match(debug.err, /\n\s+at /);
});

test("an older Node is told what to do in one line", async () => {
  const old = 'data:text/javascript,Object.defineProperty(process.versions,"node",{value:"20.19.1"})';
  const { code, err } = await runCommand(["--help"], { cwd, execArguments: ["--import", old] });
  assert.equal(code, 2);
  assert.match(err, /^error: Millrace needs Node 24 or newer and this is 20\.19\.1; install it [^\n]*\n$/);
});

test("bench runs the benchmark program of the repository with the arguments as they are", async () => {
  const { code, out } = await runCommand(["bench", "list", "--json"], { cwd });
  assert.equal(code, 0);
  assert.ok(JSON.parse(out));
  const wrong = await runCommand(["bench", "no-case-has-this-name"], { cwd });
  assert.notEqual(wrong.code, 0);
  assert.match(wrong.err, /no-case-has-this-name/);
});
