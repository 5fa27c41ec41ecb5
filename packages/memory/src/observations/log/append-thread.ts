/** The thread that appends: everything that waits when a write ends goes into the next. */
import { randomInt } from "node:crypto";
import { type MessagePort, parentPort, receiveMessageOnPort, type TransferListItem } from "node:worker_threads";
import { assert, MillraceError, toErrorBody } from "@millrace/core";
import { toParts } from "./commit.ts";
import { nodeLogDisk, toLogError } from "./log-disk.ts";
import type { ClosedFile } from "./log-file.ts";
import type { AppendArgs, LogReply, LogRequest, LogState, LogThreadData } from "./log-messages.ts";
import { type Append, LogWriter } from "./log-writer.ts";
import { writeManifest } from "./manifest.ts";
import { type OpenedFiles, recoverLog } from "./recover-log.ts";
import { packedBuffers } from "./recovered-log.ts";

type Setup = Extract<LogThreadData, { readonly role: "append" }>;

const SALT_MAX = 2 ** 32;

export function serveAppends(setup: Setup): void {
  assert(parentPort, "serveAppends runs inside a worker thread");
  new AppendThread(setup, parentPort).serve();
}

class AppendThread {
  readonly #setup: Setup;
  readonly #port: MessagePort;
  readonly #appends: Append[] = [];
  #writer: LogWriter | undefined;

  constructor(setup: Setup, port: MessagePort) {
    this.#setup = setup;
    this.#port = port;
  }

  serve(): void {
    this.#port.on("message", (request: LogRequest) => {
      this.#take(request);
      this.#drain();
      while (this.#appends.length > 0) {
        this.#opened.commitNext(this.#appends);
        this.#drain();
      }
    });
  }

  get #opened(): LogWriter {
    if (this.#writer) return this.#writer;
    throw new MillraceError("unavailable", "the observation log is not open");
  }

  /** Takes in all that has come. */
  #drain(): void {
    for (let next = receiveMessageOnPort(this.#port); next; next = receiveMessageOnPort(this.#port)) {
      this.#take(next.message as LogRequest);
    }
  }

  #take({ id, op, args }: LogRequest): void {
    if (op === "append") {
      const { epoch, records } = args as AppendArgs;
      this.#appends.push({ epoch, records: records.map(toParts), done: (outcome) => this.#settle(id, outcome) });
      return;
    }
    // What is asked for comes after what was appended before.
    while (this.#appends.length > 0) this.#opened.commitNext(this.#appends);
    try {
      this.#run(id, op, args);
    } catch (error) {
      this.#reply({ id, error: toErrorBody(toLogError(error, `${op} of the observation log`)) });
    }
  }

  #settle(id: number, outcome: Parameters<Append["done"]>[0]): void {
    if ("error" in outcome) this.#reply({ id, error: toErrorBody(outcome.error) });
    else this.#reply({ id, value: outcome });
  }

  #run(id: number, op: string, args: unknown): void {
    if (op === "open") this.#open(id);
    else if (op === "state") this.#reply({ id, value: this.#state() });
    else if (op === "figures") this.#reply({ id, value: this.#opened.figures });
    else if (op === "reserve") this.#reply({ id, value: this.#opened.reserveFile() });
    else if (op === "replace")
      this.#replace(id, args as { readonly removed: readonly number[]; readonly added?: ClosedFile });
    else if (op === "close") this.#close(id);
    else throw new MillraceError("internal", `the log thread knows no operation ${op}`);
  }

  #open(id: number): void {
    const { directory, mode, fileBytesMax, bytesMax } = this.#setup;
    const disk = nodeLogDisk;
    const { packed, files, nextFile }: OpenedFiles = recoverLog({ disk, directory, mode });
    const salt = (): number => randomInt(SALT_MAX);
    this.#writer = new LogWriter({ disk, directory, mode, fileBytesMax, bytesMax, files, nextFile, salt });
    this.#reply({ id, value: packed }, packedBuffers(packed));
  }

  #state(): LogState {
    const { closed, active } = this.#opened;
    return { closed, active };
  }

  #replace(id: number, { removed, added }: { readonly removed: readonly number[]; readonly added?: ClosedFile }): void {
    this.#opened.replaceFiles(removed, added);
    this.#reply({ id, value: undefined });
  }

  #close(id: number): void {
    const writer = this.#opened;
    try {
      writer.rotate();
      const files = new Map(writer.closed.map(({ file, bytes }) => [file, bytes]));
      writeManifest(nodeLogDisk, this.#setup.directory, files);
    } finally {
      writer.release();
      this.#writer = undefined;
    }
    this.#reply({ id, value: undefined });
  }

  #reply(reply: LogReply, transfer: readonly TransferListItem[] = []): void {
    this.#port.postMessage(reply, transfer);
  }
}
