#!/usr/bin/env node
// Runs on any Node: an old one must be able to read this file to be told what to do. All else is loaded after the check.
const NODE_MAJOR_MIN = 24;
const major = Number(process.versions.node.split(".")[0]);
if (major >= NODE_MAJOR_MIN) {
  const { runProcess } = await import("./run.ts");
  await runProcess();
} else {
  console.error(
    `error: Millrace needs Node ${NODE_MAJOR_MIN} or newer and this is ${process.versions.node}; install it from nodejs.org, or run "npm exec --package=node@24 -- node ${process.argv[1]}"`,
  );
  process.exitCode = 2;
}
