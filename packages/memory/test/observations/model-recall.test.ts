import assert from "node:assert/strict";
import { test } from "node:test";
import { createRng, type Rng, randomBelow } from "@millrace/core";
import type { IngestSession, Memory } from "../../src/index.ts";
import type { RecallAnswer } from "../../src/observations/workers/recall-question.ts";
import { idsOf, openFaulty, submitted, turn, until } from "./fault-memory.ts";
import { batchOf, DIMS, SPACE, vectorOf } from "./fixture.ts";

const ROUNDS = Number(process.env.MILLRACE_RECALL_ROUNDS ?? 120);
const IDS = 400;
const K = 40;

/** A stretch in which an id may have been answered: from when it was sent to when it was known to be gone. */
type Life = { readonly n: number; readonly sentAt: number; searchableAt: number; goneFrom: number; goneAt: number };

/** What was told, at steps of a count that only grows. */
class Model {
  readonly lives = new Map<string, Life[]>();
  step = 0;
  /** Questions answered. */
  answers = 0;
  /** Ids that are being removed. */
  #leaving: readonly string[] = [];

  begin(id: string, n: number): Life {
    const lives = this.lives.get(id) ?? [];
    const life = {
      n,
      sentAt: ++this.step,
      searchableAt: Number.POSITIVE_INFINITY,
      goneFrom: Number.POSITIVE_INFINITY,
      goneAt: Number.POSITIVE_INFINITY,
    };
    const before = lives.at(-1);
    // The one that it replaces is gone when it is there.
    if (before) before.goneFrom = Math.min(before.goneFrom, this.step);
    // A removal also takes what is sent under the id until it is done.
    if (this.#leaving.includes(id)) life.goneFrom = life.sentAt;
    lives.push(life);
    this.lives.set(id, lives);
    return life;
  }

  /** What was accepted before is searchable now, so that what it replaced is gone. */
  searchable(lives: readonly (readonly [string, Life])[]): void {
    this.step++;
    for (const [id, life] of lives) {
      life.searchableAt = this.step;
      const before = this.lives.get(id)?.[(this.lives.get(id)?.indexOf(life) ?? 0) - 1];
      if (before) before.goneAt = Math.min(before.goneAt, this.step);
    }
  }

  removing(ids: readonly string[]): Life[] {
    const lives = ids.flatMap((id) => this.lives.get(id)?.at(-1) ?? []);
    this.#leaving = ids;
    this.step++;
    for (const life of lives) life.goneFrom = Math.min(life.goneFrom, this.step);
    return lives;
  }

  removed(lives: readonly Life[]): void {
    this.#leaving = [];
    this.step++;
    for (const life of lives) life.goneAt = Math.min(life.goneAt, this.step);
  }

  /** Ids that were there all the time between two steps. */
  surely(from: number, to: number): string[] {
    return [...this.lives]
      .filter(([, lives]) => lives.some((one) => one.searchableAt <= from && one.goneFrom > to))
      .map(([id]) => id);
  }

  check(answer: RecallAnswer, { from, to, question }: { from: number; to: number; question: Float32Array }): void {
    const { results } = answer;
    const seen = new Set<string>();
    let last = Number.POSITIVE_INFINITY;
    const norm = Math.hypot(...question);
    for (const { id, meta, score } of results) {
      assert.ok(!seen.has(id), `${id} is answered twice`);
      seen.add(id);
      const life = this.lives.get(id)?.find(({ n }) => n === meta?.payload?.n);
      assert.ok(life && life.sentAt <= to, `${id} was never sent`);
      assert.ok(life.goneAt > from, `${id} number ${life.n} was gone at ${life.goneAt}, asked at ${from}`);
      assert.ok(score <= last, "best first");
      last = score;
      const vector = vectorOf(life.n);
      const truth =
        vector.reduce((sum, value, at) => sum + value * (question[at] ?? 0), 0) / norm / Math.hypot(...vector);
      assert.ok(Math.abs(score - Math.max(0, truth)) < 0.03, `${id} scores ${score}, by its vector ${truth}`);
    }
    const surely = this.surely(from, to);
    assert.ok(results.length >= Math.min(K, surely.length), `${results.length} of ${surely.length}`);
    assert.equal(
      results.length < K ? surely.filter((id) => !seen.has(id)).length : 0,
      0,
      "all there are when they are fewer than k",
    );
  }
}

async function produce(
  model: Model,
  session: IngestSession,
  { rng, isOver }: { rng: Rng; isOver: () => boolean },
): Promise<void> {
  for (let round = 0; round < ROUNDS && !isOver(); round++) {
    const count = 1 + randomBelow(rng, 30);
    const first = session.nextSeq;
    const ids = Array.from({ length: count }, () => `n${randomBelow(rng, IDS)}`);
    const lives = ids.map((id, at) => [id, model.begin(id, first + at)] as const);
    const metaOf = (n: number) => ({ id: ids[n - first] ?? "", payload: { n } });
    await submitted(session, batchOf(first, count, { metaOf }));
    if (round % 3 === 0) await session.reached("searchable");
    if (round % 3 === 0) model.searchable(lives);
    else void session.reached("searchable").then(() => model.searchable(lives));
    await turn();
    // So that there are questions meanwhile, however slow they are.
    await until(() => model.answers >= round || isOver());
  }
  await session.reached("searchable");
}

async function remove(
  model: Model,
  memory: Memory,
  { rng, isOver }: { rng: Rng; isOver: () => boolean },
): Promise<void> {
  while (!isOver()) {
    const ids = [...new Set(Array.from({ length: 6 }, () => `n${randomBelow(rng, IDS)}`))];
    // Of what is searchable: what is sent meanwhile may come before or after.
    const lives = model.removing(ids);
    await memory.ingest.remove(SPACE, ids);
    model.removed(lives);
    await turn();
  }
}

async function ask(model: Model, memory: Memory, { rng, isOver }: { rng: Rng; isOver: () => boolean }): Promise<void> {
  for (let asked = 0; !isOver(); asked++) {
    const question = vectorOf(randomBelow(rng, 5_000) + 50_000);
    const from = model.step;
    const answer = await memory.recallVectors(SPACE, question, { k: K, recall: asked % 2 === 0 ? "exact" : 0.9 });
    model.check(answer, { from, to: model.step, question });
    model.answers++;
    if (asked % 10 === 0) await turn();
  }
}

for (const seed of [1, 2]) {
  test(`inserts, searches, removals and replacements at once: every answer was true at some moment while it was asked (seed ${seed})`, async () => {
    await using opened = await openFaulty();
    const { memory } = opened;
    const rng = createRng(seed);
    const model = new Model();
    const session = await memory.ingest.open({ space: SPACE, dims: DIMS });
    let isOver = false;
    const how = { rng, isOver: () => isOver };
    const running = Promise.all([ask(model, memory, how), ask(model, memory, how), remove(model, memory, how)]);
    await Promise.race([produce(model, session, how), running]).finally(() => {
      isOver = true;
    });
    await running;
    await memory.ingest.remove(
      SPACE,
      Array.from({ length: IDS }, (_, at) => `n${at}`),
    );
    assert.deepEqual(await idsOf(memory), []);
  });
}

test("what was removed is not answered while a batch is half in the index and as many rows are there as were before", async () => {
  await using opened = await openFaulty();
  const { memory } = opened;
  const dims = 768;
  const session = await memory.ingest.open({ space: SPACE, dims });
  // Half a batch of 1,000 in slices of 64 rows: 512 new ones are there, 488 old ones are gone.
  const removed = 488;
  session.submit(batchOf(1, removed, { dims, metaOf: (n) => ({ id: `n${n}` }) }));
  await session.reached("searchable");
  await memory.ingest.remove(
    SPACE,
    Array.from({ length: removed }, (_, at) => `n${at + 1}`),
  );
  let number = 0;
  for (let batch = 0; batch < 5; batch++) {
    await submitted(session, batchOf(session.nextSeq, 1_000, { dims }));
    const asking = new Set<Promise<void>>();
    // At once, so that they are there while the batch is; then for as long as it takes.
    for (let more = 30; more > 0 || session.watermarks.searchable < session.watermarks.accepted; more--) {
      const question = vectorOf(1 + (number++ % removed), dims);
      const asked = memory.recallVectors(SPACE, question, { k: 1, isFull: false });
      const checked = asked.then(({ results }) => {
        assert.ok(!results[0]?.id.startsWith("n"), results[0]?.id);
        asking.delete(checked);
      });
      asking.add(checked);
      if (asking.size > 30) await checked;
      else if (more <= 0) await turn();
    }
    await Promise.all(asking);
  }
});
