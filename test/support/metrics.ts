import assert from "node:assert/strict";
import { Deadline } from "@millrace/core";
import type { TestEngine } from "./engine.ts";
import { LIMIT_MS } from "./until.ts";

/** Samples by name and labels, as they are written: `x_total{code="gone"}`. */
export type Samples = ReadonlyMap<string, number>;

const SAMPLE = /^([a-z_]+(?:\{(?:[a-z]+="(?:[^"\\]|\\.)*",?)+\})?) (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/;

/** What an engine exposes to Prometheus, each line checked for its form and for being there once, below its family's head. */
export async function readMetrics({ server }: TestEngine): Promise<Samples> {
  const response = await fetch(`${server.url}/metrics`);
  assert.equal(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  return parseMetrics(await response.text());
}

export function parseMetrics(text: string): Samples {
  const samples = new Map<string, number>();
  const families = new Set<string>();
  let family = "";
  for (const line of text.trimEnd().split("\n")) {
    const [, name] = /^# TYPE (\S+) (?:counter|gauge|histogram)$/.exec(line) ?? [];
    if (name !== undefined) {
      assert.ok(!families.has(name), `${name} is there twice`);
      families.add(name);
      family = name;
    }
    if (line.startsWith("#")) continue;
    const [, key = "", value] = SAMPLE.exec(line) ?? assert.fail(`${JSON.stringify(line)} is no sample`);
    assert.ok(key.startsWith(family), `${key} is below ${family}`);
    assert.ok(!samples.has(key), `${key} is there twice`);
    samples.set(key, Number(value));
  }
  return samples;
}

/** The values of a label in one family. */
export function labelsOf(samples: Samples, family: string): string[] {
  return [...samples.keys()].flatMap((key) => {
    const [, name, value] = /^([a-z_]+)\{[a-z]+="(.*)"\}$/.exec(key) ?? [];
    return name === family && value !== undefined ? [value] : [];
  });
}

/** Reads again and again until the metrics are as wanted. */
export async function metricsUntil(
  engine: TestEngine,
  isReached: (samples: Samples) => boolean | Promise<boolean>,
): Promise<Samples> {
  const deadline = Deadline.after(LIMIT_MS);
  for (;;) {
    const samples = await readMetrics(engine);
    if (await isReached(samples)) return samples;
    deadline.check("waiting for the metrics");
    await new Promise((resolve) => setImmediate(resolve));
  }
}
