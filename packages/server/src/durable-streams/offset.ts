import { MillraceError } from "@millrace/core";

/**
 * A place in a durable stream. `position` counts the messages before it; `generation` tells a stream from one that was made at the same path
 * later. A fork has the generation of its source, so that both name the places they share alike.
 */
export type Offset = { readonly generation: number; readonly position: number };

/** A place as a reader names it: before everything kept, after everything there is, or an offset it was given. */
export type Place = "start" | "now" | Offset;

const DIGITS = 16;
const OFFSET = /^(\d{16})_(\d{16})$/;

/** Fixed width, so that offsets compare as text. */
export function formatOffset({ generation, position }: Offset): string {
  return `${String(generation).padStart(DIGITS, "0")}_${String(position).padStart(DIGITS, "0")}`;
}

/** The offset, or undefined for anything that no server of ours gave out. All zeros is the start of every stream. */
export function parseOffset(text: string): Offset | undefined {
  const [, generation, position] = OFFSET.exec(text) ?? [];
  const offset = { generation: Number(generation), position: Number(position) };
  return Number.isSafeInteger(offset.generation) && Number.isSafeInteger(offset.position) ? offset : undefined;
}

/** The place named in a query; `invalid_argument` for anything but `-1`, `now` and an offset. */
export function parsePlace(text: string): Place {
  if (text === "-1") return "start";
  if (text === "now") return "now";
  const offset = parseOffset(text);
  if (offset) return offset;
  throw new MillraceError(
    "invalid_argument",
    `the offset is ${JSON.stringify(text.slice(0, 80))}; send -1, now, or a Stream-Next-Offset that this server gave`,
  );
}

/**
 * The position that `place` has in a stream of `generation` with its tail at `tail`. `gone` for an offset of a stream that was at this path
 * before, `invalid_argument` for one beyond the tail.
 */
export function positionOf(place: Place, generation: number, tail: number): number {
  if (place === "start") return 0;
  if (place === "now") return tail;
  if (place.generation === 0 && place.position === 0) return 0;
  if (place.generation !== generation) {
    throw new MillraceError(
      "gone",
      `the offset ${formatOffset(place)} is of another stream that was at this path; read again from offset=-1`,
    );
  }
  if (place.position <= tail) return place.position;
  throw new MillraceError(
    "invalid_argument",
    `the offset ${formatOffset(place)} is beyond the tail ${formatOffset({ generation, position: tail })}`,
  );
}
