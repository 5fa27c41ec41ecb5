/** Searches of an index by workers that do not have its space: one that only adds is not held up by questions, nor they by it. */
import { K_MAX, type SharedIndex } from "@millrace/vector";
import { candidatesFor } from "../recall/rerank.ts";
import { SPARE_RESULTS, scorerOf } from "./recall-from.ts";
import type { NearestFound, RecallQuestion } from "./recall-question.ts";
import type { SpaceThread } from "./space-thread.ts";

export class SpaceReaders {
  readonly #share: (space: number) => Promise<SharedIndex>;
  /** By space: the threads that read it, once they do. */
  readonly #attached = new Map<number, Map<SpaceThread, Promise<void>>>();

  /** `share` asks the worker that has the space for a handle. */
  constructor(share: (space: number) => Promise<SharedIndex>) {
    this.#share = share;
  }

  /** What the thread finds nearest, enough of it to choose the results from; undefined when it cannot, and who has the space answers alone. */
  async nearest(space: number, thread: SpaceThread, question: RecallQuestion): Promise<NearestFound | undefined> {
    const { vector, recall, k } = question;
    if (!vector) return undefined;
    const count = Math.min(K_MAX, candidatesFor(k, scorerOf(question)) + SPARE_RESULTS);
    try {
      await this.#attach(space, thread);
      return await thread.nearest(space, { vector, count, ...(recall === undefined ? {} : { recall }) });
    } catch {
      // The worker died, the space moved, or the index has as many readers as it can.
      this.#attached.get(space)?.delete(thread);
      return undefined;
    }
  }

  /** The index is another one now, or gone. */
  detach(space: number): void {
    for (const thread of this.#attached.get(space)?.keys() ?? []) thread.tell({ kind: "detach", space });
    this.#attached.delete(space);
  }

  #attach(space: number, thread: SpaceThread): Promise<void> {
    const threads = this.#attached.get(space) ?? new Map<SpaceThread, Promise<void>>();
    this.#attached.set(space, threads);
    const known = threads.get(thread);
    if (known) return known;
    const attaching = this.#share(space).then((shared) =>
      thread.tell({ kind: "attach", space, shared }, [shared.port]),
    );
    threads.set(thread, attaching);
    return attaching;
  }
}
