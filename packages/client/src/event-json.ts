import { type AppendRequest, MillraceError } from "@millrace/protocol";
import { EVENT_BYTES_MAX } from "./limits.ts";

/** An event as a writer takes it. */
export type WriterEvent = Omit<AppendRequest["events"][number], "position">;

/**
 * The event as JSON, built once and sent as often as it takes. What the engine would refuse for its form is refused here, alone:
 * `invalid_argument` or `too_large`.
 */
export function toJson(event: WriterEvent): string {
  checkText("type", event.type, 100);
  if (event.id !== undefined) checkText("id", event.id, 200);
  if (event.messageId !== undefined) checkText("messageId", event.messageId, 200);
  let json: string;
  try {
    if (event.data === undefined) throw new TypeError("data is undefined");
    json = JSON.stringify(event);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new MillraceError("invalid_argument", `the event cannot be written as JSON: ${reason}`, { cause: error });
  }
  const bytes = json.length * 3 > EVENT_BYTES_MAX ? new TextEncoder().encode(json).length : 0;
  if (bytes <= EVENT_BYTES_MAX) return json;
  throw new MillraceError("too_large", `the event has ${bytes} bytes as JSON; a frame has at most ${EVENT_BYTES_MAX}`);
}

function checkText(name: string, value: unknown, charsMax: number): void {
  if (typeof value === "string" && value.length >= 1 && value.length <= charsMax) return;
  const shown = typeof value === "string" ? `${value.length} characters long` : typeof value;
  throw new MillraceError("invalid_argument", `the event's ${name} is ${shown}; it must be text of 1 to ${charsMax}`);
}
