import type { StreamId } from "@millrace/protocol";
import fc from "fast-check";

export const STREAMS = ["sim:a", "sim:b", "sim:c"] as StreamId[];
export const READERS_PER_STREAM = 4;

/** Who numbers the events of an append. */
export type Sender =
  | { readonly by: "nobody" }
  | { readonly by: "producer"; readonly name: number; readonly back: number }
  | { readonly by: "messageId"; readonly from: number };

export type Step =
  | {
      readonly do: "append";
      readonly stream: number;
      readonly count: number;
      readonly chars: number;
      readonly mode: "strict" | "relaxed";
      readonly sender: Sender;
    }
  | { readonly do: "connect"; readonly reader: number; readonly window: number | undefined; readonly byFrame: boolean }
  | { readonly do: "cut"; readonly reader: number; readonly afterChars: number }
  | { readonly do: "stall" | "drain"; readonly reader: number }
  | { readonly do: "ack"; readonly reader: number; readonly keep: number }
  | { readonly do: "trim"; readonly stream: number; readonly keep: number }
  | { readonly do: "freeze" | "thaw" | "settle" | "restart" }
  | { readonly do: "fail" | "fill"; readonly stream: number; readonly appends: number; readonly count: number }
  | { readonly do: "crash"; readonly stream: number; readonly appends: number; readonly count: number }
  | { readonly do: "remove"; readonly stream: number }
  | { readonly do: "turns"; readonly count: number }
  | { readonly do: "advance"; readonly ms: number };

const stream = fc.nat(STREAMS.length - 1);
const reader = fc.nat(STREAMS.length * READERS_PER_STREAM - 1);
const between = (min: number, max: number) => fc.integer({ min, max });
const is = <T extends string>(...values: T[]) => fc.constantFrom(...values);

const sender: fc.Arbitrary<Sender> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ by: "nobody" as const }) },
  { weight: 3, arbitrary: fc.record({ by: is("producer"), name: fc.nat(2), back: fc.nat(6) }) },
  { weight: 2, arbitrary: fc.record({ by: is("messageId"), from: fc.nat(60) }) },
);

const append = fc.record({
  do: is("append"),
  stream,
  count: fc.oneof({ weight: 6, arbitrary: between(1, 5) }, { weight: 1, arbitrary: between(20, 60) }),
  chars: fc.oneof({ weight: 12, arbitrary: between(0, 200) }, { weight: 1, arbitrary: between(5_000, 40_000) }),
  mode: is("strict", "relaxed", "relaxed"),
  sender,
});

const trouble = { stream, appends: between(1, 4), count: between(1, 4) };

export const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 300, arbitrary: append },
  {
    weight: 130,
    arbitrary: fc.record({
      do: is("connect"),
      reader,
      window: fc.oneof({ weight: 2, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: between(1, 50) }),
      byFrame: fc.boolean(),
    }),
  },
  { weight: 130, arbitrary: fc.record({ do: is("cut"), reader, afterChars: fc.oneof(fc.nat(500), fc.nat(20_000)) }) },
  { weight: 30, arbitrary: fc.record({ do: is("stall"), reader }) },
  { weight: 60, arbitrary: fc.record({ do: is("drain"), reader }) },
  { weight: 100, arbitrary: fc.record({ do: is("ack"), reader, keep: fc.nat(3) }) },
  { weight: 15, arbitrary: fc.record({ do: is("trim"), stream, keep: between(1, 80) }) },
  { weight: 10, arbitrary: fc.record({ do: is("freeze") }) },
  { weight: 30, arbitrary: fc.record({ do: is("thaw") }) },
  { weight: 12, arbitrary: fc.record({ do: is("fail", "fill"), ...trouble }) },
  { weight: 3, arbitrary: fc.record({ do: is("crash"), ...trouble }) },
  { weight: 1, arbitrary: fc.record({ do: is("restart") }) },
  { weight: 3, arbitrary: fc.record({ do: is("remove"), stream }) },
  { weight: 15, arbitrary: fc.record({ do: is("settle") }) },
  { weight: 100, arbitrary: fc.record({ do: is("turns"), count: between(1, 3) }) },
  { weight: 5, arbitrary: fc.record({ do: is("advance"), ms: between(1, 31_000) }) },
);
