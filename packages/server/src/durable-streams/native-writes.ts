import { MillraceError } from "@millrace/core";
import type { StreamId } from "@millrace/protocol";
import type { Call, Storage } from "@millrace/stream";
import type { DurableReads, Sealing } from "./durable-module.ts";
import { UNOWNED_NAMES_MAX } from "./limits.ts";

/**
 * What native producers may append to: every stream of the log but those that were made here and are closed or deleted. Names that are no
 * stream made here are remembered, so that an append to one costs a look-up.
 */
export class NativeWrites {
  readonly #storage: Storage;
  /** Asked about least recently first. */
  readonly #unowned = new Set<StreamId>();
  /** Questions under way: appends that ask for one stream at once are answered together, so that none overtakes another. */
  readonly #asking = new Map<StreamId, Promise<Sealing | undefined>>();
  /** Streams made so far: an answer from before the newest may be out of date. */
  #made = 0;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /**
   * The writes to be kept with an append to the stream; undefined when it was not made here. `conflict` when it was, and takes no more. The
   * writes refuse what this could not see: an end that is on its way to the disk.
   */
  async alongside(name: StreamId): Promise<readonly Call[] | undefined> {
    if (this.#unowned.has(name)) return undefined;
    const asking = this.#asking.get(name) ?? this.#ask(name);
    const sealing = await asking;
    if (!sealing) return undefined;
    checkUnsealed(name, sealing);
    return [{ op: "durable.admit", args: { name } }];
  }

  /** A stream is being made, or was made, whose messages the log's stream of this name holds. */
  made(name: StreamId): void {
    this.#made++;
    this.#unowned.delete(name);
  }

  #ask(name: StreamId): Promise<Sealing | undefined> {
    const made = this.#made;
    const asking = this.#storage
      .read<DurableReads["sealing"]>("durable.sealing", { name })
      .then((sealing) => {
        if (!sealing && made === this.#made) this.#remember(name);
        return sealing;
      })
      .finally(() => this.#asking.delete(name));
    this.#asking.set(name, asking);
    return asking;
  }

  #remember(name: StreamId): void {
    this.#unowned.add(name);
    if (this.#unowned.size <= UNOWNED_NAMES_MAX) return;
    const [oldest] = this.#unowned;
    if (oldest !== undefined) this.#unowned.delete(oldest);
  }
}

/** `conflict` when the stream takes no more. */
export function checkUnsealed(name: string, { path, isClosed, isHidden }: Sealing): void {
  if (!isClosed && !isHidden) return;
  const why = isHidden ? "was deleted and is kept for its forks" : "is closed";
  throw new MillraceError(
    "conflict",
    `stream ${name} is the durable stream ${path}, which ${why}; append to another stream`,
  );
}
