import { addCommand } from "./add/add.ts";
import { benchCommand } from "./bench.ts";
import type { Command } from "./command.ts";
import { consolidateCommand } from "./consolidate.ts";
import { doctorCommand } from "./doctor/doctor.ts";
import { exportCommand } from "./export.ts";
import { extractCommand } from "./extract/extract.ts";
import { jobsCommand } from "./jobs.ts";
import { spacesCommand, streamsCommand } from "./listings.ts";
import { recallCommand } from "./recall/recall.ts";
import { reembedCommand } from "./reembed.ts";
import { serveCommand } from "./serve.ts";
import { tailCommand } from "./tail.ts";
import { verifyCommand } from "./verify.ts";

/** Every command, in the order a newcomer meets them. */
export const COMMANDS: readonly Command[] = [
  serveCommand,
  addCommand,
  recallCommand,
  extractCommand,
  consolidateCommand,
  tailCommand,
  jobsCommand,
  spacesCommand,
  reembedCommand,
  streamsCommand,
  exportCommand,
  verifyCommand,
  doctorCommand,
  benchCommand,
];
