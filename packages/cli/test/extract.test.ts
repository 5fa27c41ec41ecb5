import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { BREAD, DOCS, folder, runCommand, serve } from "./command.ts";

const place = folder({ ...DOCS, "empty.html": "<html><body><nav>x</nav></body></html>" });
after(() => place[Symbol.dispose]());
const cwd = place.path;

test("a file as Markdown on stdout and what is known of it on stderr; --json is the whole document", async () => {
  const shown = await runCommand(["extract", "docs/bread.html"], { cwd });
  assert.equal(shown.code, 0);
  assert.match(shown.out, /^# Baking bread\n\nKnead the dough .* hot oven\.\n$/);
  assert.match(shown.err, /^\w+.* · .*\d+ words · 1 min to read · quality \d+ · /);
  const json = await runCommand(["extract", "docs/bread.html", "--json"], { cwd });
  const document = JSON.parse(json.out) as Record<string, unknown>;
  assert.deepEqual([document.contentType, document.mode, json.err], ["text/html", "article", ""]);
  assert.equal(`${document.markdown}\n`, shown.out);
});

test("modes, selectors with commas in them, and stdin", async () => {
  const links = await runCommand(["extract", "docs/bread.html", "--mode", "full", "--json"], { cwd });
  assert.match(links.out, /Home/);
  const metadata = await runCommand(["extract", "docs/bread.html", "--mode", "metadata"], { cwd });
  assert.match(metadata.out, /^title +\w+/m);
  const chosen = await runCommand(["extract", "-", "--source", "a.html", "--select", "nav, h1", "--json"], {
    cwd,
    input: BREAD,
  });
  assert.match((JSON.parse(chosen.out) as { text: string }).text, /^Home\s+Baking bread$/);
  const empty = await runCommand(["extract", "docs/bread.html", "--select", "table"], { cwd });
  assert.deepEqual([empty.code, empty.out], [0, ""]);
  assert.match(empty.err, /note: the selectors match nothing/);
});

test("a page here and by a running engine: private addresses are refused unless each is told otherwise", async () => {
  const web = createServer((request, response) => {
    if (request.url === "/robots.txt") return void response.end("User-agent: *\nDisallow: /secret\n");
    response.writeHead(200, { "content-type": "text/html" }).end(BREAD);
  });
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
  try {
    const refused = await runCommand(["extract", url], { cwd });
    assert.deepEqual([refused.code, refused.out], [1, ""]);
    assert.match(refused.err, /\(blocked_address\)/);
    const allowed = await runCommand(["extract", url, "--allow-private"], { cwd });
    assert.match(allowed.out, /^# Baking bread\n/);
    const secret = await runCommand(["extract", `${url}/secret`, "--allow-private", "--json"], { cwd });
    assert.equal((JSON.parse(secret.err) as { error: { code: string } }).error.code, "robots_disallowed");
    const insisted = await runCommand(["extract", `${url}/secret`, "--allow-private", "--ignore-robots"], { cwd });
    assert.equal(insisted.code, 0);
    await using engine = await serve(cwd, ["--allow-address", "127.0.0.1"]);
    const read = ["extract", url, "--url", engine.url];
    assert.match((await runCommand(read, { cwd })).err, /quality/);
    assert.match((await runCommand(read, { cwd })).err, /from memory, /);
    const only = await runCommand(["extract", `${url}/new`, "--url", engine.url, "--cache", "only"], { cwd });
    assert.match(only.err, /not in the cache.*\(not_found\)/);
    const file = await runCommand(["extract", "docs/bread.html", "--url", engine.url], { cwd });
    assert.match(file.out, /^# Baking bread\n/);
  } finally {
    web.closeAllConnections();
    web.close();
  }
});

test("wrong usage is told before anything is read", async () => {
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /extract misses an argument: millrace extract <url\|file\|->/],
    [["a.html", "b.html"], /"b\.html" is one too many/],
    [["docs"], /docs is a directory; name a file, or add it: millrace add docs/],
    [["docs/bread.html", "--mode", "artcle"], /it must be article, full, .*did you mean article\?/],
    [["docs/bread.html", "--select", "h1["], /the selector "h1\[" is not one of CSS/],
    [["docs/bread.html", "--mode", "full", "--select", "p"], /selectors go with the mode "selectors"/],
    [["docs/bread.html", "--md", "--json"], /--json and --md are both given/],
    [["docs/bread.html", "--timeout", "0"], /--timeout is 0/],
    [["docs/bread.html", "--source", "x"], /--source names what is read from stdin/],
    [["docs/bread.html", "--cache", "only"], /--cache is for a running engine/],
    [["http://a.example", "--allow-private", "--url", "http://127.0.0.1:1"], /a running engine has its own list/],
  ];
  const results = await Promise.all(wrong.map(([args]) => runCommand(["extract", ...args], { cwd })));
  results.forEach(({ code, err }, at) => {
    assert.equal(code, 2, String(wrong[at]?.[0]));
    assert.match(err, wrong[at]?.[1] ?? /^$/);
  });
  const missing = await runCommand(["extract", "nosuch.html"], { cwd });
  assert.equal(missing.code, 1);
  assert.match(missing.err, /nosuch\.html does not exist.*\(not_found\)/);
});
