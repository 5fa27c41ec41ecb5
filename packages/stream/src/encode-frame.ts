import type { Frame } from "@millrace/protocol";

/**
 * The frame as JSON, built once and passed on byte for byte to the log and to every reader. The cursor fields come first, the payload is
 * spliced behind them, so that nothing downstream parses it to find its place.
 */
export function encodeFrame(frame: Frame): string {
  const { stream, epoch, seq, ts, type, id, data, correlation } = frame;
  // Stream and epoch are restricted to characters that need no escape (names.ts), so they are written as they are.
  const head = `{"stream":"${stream}","epoch":"${epoch}","seq":${seq},"ts":${ts},"type":${JSON.stringify(type)},"id":${JSON.stringify(id)}`;
  const tail = correlation === undefined ? "" : `,"correlation":${JSON.stringify(correlation)}`;
  return `${head},"data":${JSON.stringify(data) ?? "null"}${tail}}`;
}
