/** The worker thread that reads HTML, Markdown and text: one job at a time, answered in order. */
import { parentPort } from "node:worker_threads";
import { assert, type ErrorBody, toErrorBody } from "@millrace/core";
import type { ExtractedDocument } from "./document.ts";
import { type ParseJob, parseSource } from "./parse-source.ts";

export type ParseReply = { readonly document: ExtractedDocument } | { readonly error: ErrorBody };

assert(parentPort, "parse-worker runs in a worker thread");
const port = parentPort;
port.on("message", (job: ParseJob) => port.postMessage(answer(job)));

function answer(job: ParseJob): ParseReply {
  try {
    return { document: parseSource(job) };
  } catch (error) {
    return { error: toErrorBody(error) };
  }
}
