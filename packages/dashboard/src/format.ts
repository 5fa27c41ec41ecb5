/** Numbers as people read them: three figures, a unit, never a long tail of digits. */

const UNITS = ["", "K", "M", "G", "T"];
const BYTE_UNITS = ["B", "KB", "MB", "GB", "TB"];

function scaled(value: number, base: number): { readonly text: string; readonly step: number } {
  let rest = value;
  let step = 0;
  while (Math.abs(rest) >= base * 0.9995 && step < UNITS.length - 1) {
    rest /= base;
    step++;
  }
  const digits = step === 0 ? 0 : rest < 9.995 ? 2 : rest < 99.95 ? 1 : 0;
  return { text: rest.toFixed(digits), step };
}

/** 18,211 → "18.2 K". Below 10,000 in full: "1,234". */
export function formatCount(value: number): string {
  if (Math.abs(value) < 10_000) return Math.round(value).toLocaleString("en");
  const { text, step } = scaled(value, 1000);
  return `${text} ${UNITS[step]}`;
}

/** In decimal units, as disks and networks count. */
export function formatBytes(bytes: number): string {
  const { text, step } = scaled(bytes, 1000);
  return `${text} ${BYTE_UNITS[step]}`;
}

/** A rate: one decimal while it is small, so that slow is not shown as nothing. */
export function formatRate(perSecond: number): string {
  if (perSecond === 0) return "0";
  if (perSecond < 0.1) return "<0.1";
  return perSecond < 99.95 ? perSecond.toFixed(1).replace(/\.0$/, "") : formatCount(perSecond);
}

/** A latency: "0.08 ms", "3.1 ms", "420 ms", "1.25 s". */
export function formatMs(ms: number): string {
  if (ms === 0) return "0 ms";
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 99.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  return ms < 59_950 ? `${(ms / 1000).toFixed(ms < 9_995 ? 2 : 1)} s` : formatDuration(ms);
}

/** A length of time in at most two units: "42 s", "3 min 05 s", "2 h 10 min", "4 d 3 h". */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${String(seconds % 60).padStart(2, "0")} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** How long ago: "now", "12 s ago", "3 min ago", "5 h ago"; past two days the date. */
export function formatAgo(thenMs: number, nowMs: number): string {
  const seconds = Math.round((nowMs - thenMs) / 1000);
  if (seconds < 2) return "now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h ago`;
  return new Date(thenMs).toISOString().slice(0, 10);
}

/** Time of day to the millisecond, in the reader's zone. */
export function formatTime(ms: number): string {
  const at = new Date(ms);
  const two = (value: number) => String(value).padStart(2, "0");
  const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return `${clock}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

export function formatPercent(part: number): string {
  return `${Math.round(part * 100)} %`;
}

/** "1 chunk", "3 chunks". */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
