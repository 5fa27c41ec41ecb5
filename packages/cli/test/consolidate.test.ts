import assert from "node:assert/strict";
import { test } from "node:test";
import { type Consolidation, createClient } from "@millrace/client";
import { createRng } from "@millrace/core";
import { until } from "../../../test/support/until.ts";
import { folder, runCommand, serve } from "./command.ts";

const rng = createRng(1);
const random = () => Float32Array.from({ length: 64 }, () => rng() - 0.5);
const base = random();
const noise = Array.from({ length: 30 }, (_, at) => ({ id: `n${at}`, vector: random() }));
const same = [0, 1, 2].map((at) => ({ id: `same-${at}`, vector: base.map((value) => value + 0.05 * (rng() - 0.5)) }));

test("consolidate says what was found, in a running engine and in a data directory, and removes on demand", async () => {
  using place = folder();
  const { path: cwd } = place;
  {
    await using served = await serve(cwd, ["--consolidate-every", "1h"]);
    const client = createClient({ url: served.url });
    const writer = await client.space("sensors").observer();
    await writer.observe([...noise, ...same], { mark: "searchable" });
    await until(() => writer.watermarks.durable === 33);
    await writer.close();
    client.close();
    const shown = await runCommand(["consolidate", "sensors", "--url", served.url], { cwd });
    assert.equal(shown.code, 0, shown.err);
    assert.match(shown.out, /^duplicate {2}same-\d {2}same-\d, same-\d$/m);
    assert.match(shown.out, /^1 duplicate and 0 patterns in space sensors; 33 new observations looked at in /m);
    served.command.interrupt();
    await served.command.finished;
  }
  const json = async (...args: string[]) => {
    const { code, out, err } = await runCommand(["consolidate", "sensors", "--json", ...args], { cwd });
    assert.equal(code, 0, err);
    return JSON.parse(out) as Consolidation;
  };
  const stricter = await json("--duplicate", "1", "--pattern", ".9");
  const { state, duplicate, pattern, looked, duplicates, patterns } = stricter;
  assert.deepEqual([state, duplicate, pattern, looked, duplicates, patterns], ["done", 1, 0.9, 0, 0, 1]);
  assert.equal((await json("--remove-duplicates")).removed, 2);
  assert.equal((await json()).duplicates, 0);
});

test("wrong thresholds, a missing space and an unknown one are refused with what would be right", async () => {
  using place = folder();
  const { path: cwd } = place;
  const refused = async (...args: string[]) => {
    const { code, err } = await runCommand(["consolidate", ...args], { cwd });
    assert.notEqual(code, 0);
    return err;
  };
  assert.match(await refused("a", "--duplicate", "much"), /"much".*0\.5 to 1/);
  assert.match(await refused("a", "--pattern", "0.3"), /"0\.3".*0\.5 to 1/);
  assert.match(await refused(), /space/);
  assert.match(await refused("a"), /no data directory/);
  await using served = await serve(cwd);
  assert.match(await refused("nowhere", "--url", served.url), /no space is named nowhere/);
});
