import { type ContentMode, toBytes, toJsonArray } from "./content.ts";
import type { Page } from "./stream-reader.ts";

/** What a control event says: where the reader is, and whether more will come. */
export type Control =
  | { readonly streamNextOffset: string; readonly streamClosed: true }
  | { readonly streamNextOffset: string; readonly streamCursor: string; readonly upToDate?: true };

/**
 * The messages of a page as one `data` event with the control event that follows it. Readers at the same place for whom the control is the
 * same share the bytes; `isShared` says that it is not this reader's own.
 */
export function pageEvents(mode: ContentMode, { frames, batch }: Page, control: string, isShared: boolean): Buffer {
  const data = () => Buffer.from(`event: data\n${dataLines(payloadOf(mode, frames))}\n`);
  const build = () => Buffer.concat([batch ? batch.encoded(`durable-${mode}`, data) : data(), Buffer.from(control)]);
  return batch && isShared ? batch.encoded(`durable-${mode}-${control}`, build) : build();
}

export function controlEvent(control: Control): string {
  return `event: control\ndata:${JSON.stringify(control)}\n\n`;
}

function payloadOf(mode: ContentMode, frames: Page["frames"]): string {
  if (mode === "json") return toJsonArray(frames);
  return toBytes(frames).toString(mode === "text" ? "utf8" : "base64");
}

/** Every line break that the event stream format knows begins a new `data` line, so that no payload can end its event. */
function dataLines(payload: string): string {
  return payload
    .split(/\r\n|\r|\n/)
    .map((line) => `data:${line}\n`)
    .join("");
}
