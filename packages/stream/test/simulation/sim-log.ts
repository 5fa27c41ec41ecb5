import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { Deadline, type ManualClock } from "@millrace/core";
import type { StreamId } from "@millrace/protocol";
import { openStorage, Retention, retentionModuleUrl, Sequencer, type Storage } from "@millrace/stream";

export const faultModuleUrl = new URL("./fault-module.ts", import.meta.url);
const FILES = ["millrace.db", "millrace.db-wal"];

/** A log over a real store whose disk can be made to stand still, fail and be full, and whose process can be made to die. */
export class SimLog implements AsyncDisposable {
  readonly directory: string;
  readonly clock: ManualClock;
  readonly storage: Storage;
  readonly sequencer: Sequencer;
  readonly retention: Retention;
  #thaw: (() => Promise<void>) | undefined;

  private constructor(directory: string, clock: ManualClock, storage: Storage) {
    this.directory = directory;
    this.clock = clock;
    this.storage = storage;
    this.sequencer = new Sequencer({ storage, clock });
    this.retention = new Retention({ storage, sequencer: this.sequencer, clock });
  }

  static async open(clock: ManualClock, directory = mkdtempSync(join(tmpdir(), "millrace-sim-"))): Promise<SimLog> {
    const storage = await openStorage({ directory, modules: [retentionModuleUrl, faultModuleUrl] });
    const log = new SimLog(directory, clock, storage);
    await log.sequencer.recover();
    return log;
  }

  get isFrozen(): boolean {
    return this.#thaw !== undefined;
  }

  /** Stops the writing thread at this place among the writes; settles once it stands. */
  async freeze(): Promise<void> {
    const deadline = Deadline.after(120_000);
    // A batch that fails before it comes to the gate does not stand still.
    while (!this.#thaw) {
      deadline.check("freezing the disk");
      const gate = new Int32Array(new SharedArrayBuffer(8));
      const standing = { isOver: false };
      const end = () => {
        standing.isOver = true;
      };
      const frozen = this.storage.write("fault.until", { gate }).then(end, end);
      while (!standing.isOver && Atomics.load(gate, 1) === 0) await setImmediate();
      if (standing.isOver) continue;
      this.#thaw = async () => {
        Atomics.store(gate, 0, 1);
        Atomics.notify(gate, 0);
        await frozen;
      };
    }
  }

  async thaw(): Promise<void> {
    const thaw = this.#thaw;
    this.#thaw = undefined;
    await thaw?.();
  }

  /** From here on, in the order of writes, every write of frames fails, or none does. */
  setFailing(isOn: boolean): void {
    this.#fault("fault.failing", isOn);
  }

  setFull(isOn: boolean): void {
    this.#fault("fault.full", isOn);
  }

  /** The files as a process that is killed here leaves them, in a new directory. The disk must stand still. */
  copyFiles(): string {
    const copy = mkdtempSync(join(tmpdir(), "millrace-sim-"));
    for (const name of FILES) {
      const file = join(this.directory, name);
      if (existsSync(file)) copyFileSync(file, join(copy, name));
    }
    return copy;
  }

  /** All frames the log holds, and the first it has ever to hold. */
  async rows(stream: StreamId): Promise<{ first: number; epochs: string[]; rows: { seq: number; json: string }[] }> {
    const rows: { seq: number; json: string }[] = [];
    for (let after = 0; ; after = rows.at(-1)?.seq ?? 0) {
      const args = { stream, after, limit: 1_000, bytesMax: 4_000_000 };
      const range = (await this.storage.read("log.range", args)) as {
        row?: { first: number; epoch: string };
        lineage: { epoch: string }[];
        rows: { seq: number; json: string }[];
      };
      rows.push(...range.rows);
      if (range.rows.length > 0) continue;
      const epochs = [...range.lineage.map(({ epoch }) => epoch), range.row?.epoch ?? ""];
      return { first: range.row?.first ?? 1, epochs, rows };
    }
  }

  async close(): Promise<void> {
    await this.thaw();
    await this.retention.close();
    await this.storage.close();
  }

  async remove(): Promise<void> {
    await this.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.remove();
  }

  /** When the batch it is in fails as a whole, so does this: a disk that is to be well again is told until it is. */
  #fault(op: string, isOn: boolean): void {
    this.storage.write(op, { isOn }).catch(() => {
      if (!isOn && !this.storage.failure) this.#fault(op, isOn);
    });
  }
}
