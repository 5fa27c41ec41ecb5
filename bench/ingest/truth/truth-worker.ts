/** A thread that looks through its share of the rows and answers with the nearest vectors of each question. */
import { parentPort, workerData } from "node:worker_threads";
import { type CandidatesTask, findCandidates } from "./candidates.ts";

parentPort?.postMessage(findCandidates(workerData as CandidatesTask));
