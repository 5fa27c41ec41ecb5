/** The worker thread that reads HTML, Markdown and text: one job at a time, answered in order. */
import { parseSource } from "../parse-source.ts";
import { serveJobs } from "./job-port.ts";

serveJobs(parseSource);
