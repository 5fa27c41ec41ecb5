/** One index worker thread, from outside: its orders, what it has in hand, its questions. */
import { MessageChannel, type MessagePort, type TransferListItem, Worker } from "node:worker_threads";
import { fromErrorBody, MillraceError } from "@millrace/core";
import { spaceWorkerUrl } from "../../worker-url.ts";
import { QUESTIONS_MAX } from "../limits.ts";
import type { AnswerMessage, Question, QuestionMessage, WorkerOrder, WorkerReport, WorkerSetup } from "./messages.ts";
import type { NearestFound, NearestQuestion, RecallAnswer, RecallQuestion } from "./recall-question.ts";

type Settle<T> = { readonly resolve: (value: T) => void; readonly reject: (error: unknown) => void };

export type SpaceThreadOptions = {
  readonly number: number;
  readonly setup: Omit<WorkerSetup, "questions">;
  readonly onReport: (report: WorkerReport) => void;
  readonly onExit: (error: MillraceError) => void;
};

export class SpaceThread {
  readonly number: number;
  readonly #worker: Worker;
  readonly #questions: MessagePort;
  readonly #requests = new Map<number, Settle<unknown>>();
  readonly #asked = new Map<number, Settle<unknown>>();
  #nextId = 1;
  #dead: MillraceError | undefined;

  constructor({ number, setup, onReport, onExit }: SpaceThreadOptions) {
    this.number = number;
    const { port1, port2 } = new MessageChannel();
    this.#questions = port1;
    const workerData = { ...setup, questions: port2 } satisfies WorkerSetup;
    this.#worker = new Worker(spaceWorkerUrl, { workerData, transferList: [port2], name: `index-${number}` });
    let failure: unknown;
    this.#worker.on("message", (report: WorkerReport) => {
      if (report.kind === "done") this.#settle(report.request)?.resolve(report.value);
      else if (report.kind === "failed") this.#settle(report.request)?.reject(fromErrorBody(report.error));
      else onReport(report);
    });
    this.#worker.on("error", (error) => {
      failure = error;
    });
    this.#worker.on("exit", (code) => {
      const why = failure instanceof Error ? failure.message : `it ended with ${code}`;
      this.#dead = new MillraceError("unavailable", `index worker ${number} failed: ${why}`, {
        cause: failure,
        retryAfterMs: 100,
      });
      this.#questions.close();
      for (const { reject } of [...this.#requests.values(), ...this.#asked.values()]) reject(this.#dead);
      this.#requests.clear();
      this.#asked.clear();
      onExit(this.#dead);
    });
    port1.on("message", (said: AnswerMessage) => {
      const asked = this.#asked.get(said.id);
      this.#asked.delete(said.id);
      if ("answer" in said) asked?.resolve(said.answer);
      else asked?.reject(fromErrorBody(said.error));
    });
    // An answer that cannot be read has no number: better all that wait fail than one for ever.
    port1.on("messageerror", (cause) => {
      const unreadable = new MillraceError("internal", `an answer of index worker ${number} cannot be read`, { cause });
      for (const { reject } of this.#asked.values()) reject(unreadable);
      this.#asked.clear();
    });
    port1.unref();
  }

  get threadId(): number {
    return this.#worker.threadId;
  }

  get isDead(): boolean {
    return this.#dead !== undefined;
  }

  get questionsWaiting(): number {
    return this.#asked.size;
  }

  tell(order: WorkerOrder, transfer: readonly TransferListItem[] = []): void {
    this.#worker.postMessage(order, transfer);
  }

  /** An order that is answered. */
  request<T>(orderOf: (request: number) => WorkerOrder): Promise<T> {
    if (this.#dead) return Promise.reject(this.#dead);
    const request = this.#nextId++;
    this.#worker.postMessage(orderOf(request));
    return new Promise<T>((resolve, reject) => {
      this.#requests.set(request, { resolve: resolve as (value: unknown) => void, reject });
    });
  }

  ask(space: number, question: RecallQuestion, askedMs: number): Promise<RecallAnswer> {
    return this.#ask(space, { question, askedMs });
  }

  /** Asks for the nearest in an index that this worker reads. */
  nearest(space: number, nearest: NearestQuestion): Promise<NearestFound> {
    return this.#ask(space, { nearest });
  }

  #ask<T extends RecallAnswer | NearestFound>(space: number, question: Question): Promise<T> {
    if (this.#dead) return Promise.reject(this.#dead);
    if (this.#asked.size >= QUESTIONS_MAX) {
      const message = `${QUESTIONS_MAX} questions wait for index worker ${this.number}, which is the limit; try again later`;
      return Promise.reject(new MillraceError("overloaded", message, { retryAfterMs: 200 }));
    }
    const id = this.#nextId++;
    this.#questions.postMessage({ id, space, ...question } satisfies QuestionMessage);
    return new Promise<T>((resolve, reject) => {
      this.#asked.set(id, { resolve: resolve as (value: unknown) => void, reject });
    });
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #settle(request: number): Settle<unknown> | undefined {
    const found = this.#requests.get(request);
    this.#requests.delete(request);
    return found;
  }
}
