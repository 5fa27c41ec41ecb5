import { readLoadOptions, STREAMS_USAGE } from "./load-options.ts";
import { type LoadResult, runLoad } from "./run-load.ts";

/** `bench streams`: one run, its result on stdout. Exit code 1 when anything was lost, repeated or out of order. */
export async function runStreamsCommand(args: string[]): Promise<number> {
  if (args.includes("--help")) {
    console.log(STREAMS_USAGE);
    return 0;
  }
  const { load, isJson } = readLoadOptions(args);
  const result = await runLoad(load);
  console.log(isJson ? JSON.stringify(result) : describe(result));
  return result.lost + result.duplicated + result.reordered === 0 ? 0 : 1;
}

function describe(result: LoadResult): string {
  const { latencyMs, ackMs, lateMs } = result;
  return [
    `${result.deliveriesPerSecond} deliveries/s to ${result.subscribers} subscribers (${result.sent} frames sent)`,
    `latency p50 ${latencyMs.p50} ms, p99 ${latencyMs.p99} ms; append p50 ${ackMs.p50} ms, p99 ${ackMs.p99} ms; generator late p99 ${lateMs.p99} ms`,
    `server ${result.cpuMicrosPerDelivery ?? "?"} µs CPU a delivery, ${result.serverCpu ?? "?"} cores, ${result.rssMb ?? "?"} MB; generator ${result.generatorCpu} cores`,
    `lost ${result.lost}, duplicated ${result.duplicated}, reordered ${result.reordered}, cut off ${result.cut}${result.cutReason ? ` (${result.cutReason})` : ""}`,
  ].join("\n");
}
