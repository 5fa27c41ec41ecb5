/** A thread that finds the nearest rows of its share of the queries and answers with their ids. */
import { parentPort, workerData } from "node:worker_threads";
import { type ExactSearch, exactNearest } from "./exact.ts";

parentPort?.postMessage(exactNearest(workerData as ExactSearch));
