/** The thread that rewrites files; it lives as long as one reclaim. */
import { randomInt } from "node:crypto";
import { assert } from "@millrace/core";
import { Moved, serveWorker } from "../../worker-serve.ts";
import { nodeLogDisk, toLogError } from "./log-disk.ts";
import type { LogThreadData } from "./log-messages.ts";
import { Reclaimer } from "./reclaimer.ts";

type Setup = Extract<LogThreadData, { readonly role: "reclaim" }>;

export type SurveyArgs = { readonly files: readonly number[]; readonly fileBytesMax: number; readonly nowMs: number };

const SALT_MAX = 2 ** 32;

export function serveReclaim({ directory, mode }: Setup): void {
  let made: Reclaimer | undefined;
  const reclaimer = (): Reclaimer => {
    assert(made, "the survey comes first");
    return made;
  };
  serveWorker({
    survey: (args: SurveyArgs) =>
      trying(() => {
        made = new Reclaimer({ ...args, disk: nodeLogDisk, directory, mode, salt: () => randomInt(SALT_MAX) });
        const { space, firstRow, count } = made.survey();
        return new Moved({ space, firstRow, count }, [space.buffer, firstRow.buffer, count.buffer]);
      }),
    decide: (live: Uint32Array) => reclaimer().decide(live),
    step: (newFile: number) => trying(() => reclaimer().step(newFile)),
    discard: () => trying(() => reclaimer().discard()),
    findings: () => ({ list: reclaimer().findings.list, count: reclaimer().findings.count }),
  });
}

function trying<Result>(run: () => Result): Result {
  try {
    return run();
  } catch (error) {
    throw toLogError(error, "rewriting files of the observation log");
  }
}
