/** A peer: socket.io with connection state recovery, which keeps each packet for clients that come back. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "socket.io";
import { announce } from "./announce.ts";

const http = createServer();
const io = new Server(http, {
  transports: ["websocket"],
  perMessageDeflate: false,
  serveClient: false,
  connectionStateRecovery: { maxDisconnectionDuration: 120_000 },
});

io.on("connection", (socket) => {
  socket.on("join", async (stream: string, answer: () => void) => {
    await socket.join(stream);
    answer();
  });
  socket.on("publish", (stream: string, events: readonly unknown[], answer: () => void) => {
    for (const event of events) io.to(stream).emit("frame", event);
    answer();
  });
});
http.listen({ host: "127.0.0.1", port: 0, backlog: 511 }, () => {
  announce(`http://127.0.0.1:${(http.address() as AddressInfo).port}`);
});
