const fillers = new Map<number, string>();

/** A frame's data of `bytes` bytes (nearly): its number, the intended time of its sending in whole microseconds, and text. */
export function makePayload(number: number, sentMicros: number, bytes: number): string {
  const head = `{"n":${number},"t":${Math.floor(sentMicros)},"text":"`;
  return `${head}${filler(Math.max(0, bytes - head.length - 2))}"}`;
}

function filler(length: number): string {
  const known = fillers.get(length);
  if (known !== undefined) return known;
  const text = "the quick brown fox jumps over the lazy dog. ".repeat(Math.ceil(length / 45)).slice(0, length);
  fillers.set(length, text);
  return text;
}
