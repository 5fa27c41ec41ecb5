import { connect, type Socket } from "node:net";

/** Sends text over a bare socket and gives all that came back until the peer closed. */
export function exchangeRaw(url: string, text: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect({ port: Number(new URL(url).port), host: "127.0.0.1" }, () => socket.write(text));
    socket.on("data", (data) => {
      answer += String(data);
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(answer));
  });
}

/** A bare socket that has sent a request and got the first bytes of its answer. */
export async function openRaw(url: string, request: string): Promise<Socket> {
  const socket = connect({ port: Number(new URL(url).port), host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => {});
  socket.write(request);
  await new Promise((resolve) => socket.once("data", resolve));
  return socket;
}

/** The JSON body of a raw HTTP answer. */
export function bodyOf(answer: string): { error: { code: string; message: string } } {
  return JSON.parse(answer.slice(answer.indexOf("\r\n\r\n") + 4)) as { error: { code: string; message: string } };
}
