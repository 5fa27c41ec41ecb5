import { readFileSync } from "node:fs";

/** Clock ticks a second in /proc: fixed at 100 for programs by Linux on every architecture Node runs on. */
const TICKS_PER_SECOND = 100;
/** Fields of /proc/PID/stat counted behind the command's name, which may hold spaces (proc(5)). */
const UTIME = 11;
const STIME = 12;

/** Processor time of a process, all its threads, user and system, in microseconds; undefined where there is no /proc. */
export function cpuMicrosOf(pid: number): number | undefined {
  const text = readText(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[UTIME]) + Number(fields[STIME])) * 1e6) / TICKS_PER_SECOND;
}

/** Memory of a process: `peak` since its start, `now` at this moment; undefined where there is no /proc. */
export function rssBytesOf(pid: number, which: "peak" | "now"): number | undefined {
  const label = which === "peak" ? "VmHWM" : "VmRSS";
  const match = new RegExp(`^${label}:\\s+(\\d+) kB`, "m").exec(readText(`/proc/${pid}/status`) ?? "");
  return match ? Number(match[1]) * 1_024 : undefined;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
