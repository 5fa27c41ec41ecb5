import type { Socket } from "node:net";
import { MillraceError } from "@millrace/core";
import { type ServerOptions, WebSocketServer } from "ws";
import { refuseSocket } from "./raw-refusal.ts";

/** A server of WebSockets on connections that it is given; a handshake that is not well-formed is refused with the error body, as any request is. */
export function createWebSocketServer(options: Omit<ServerOptions, "noServer" | "perMessageDeflate">): WebSocketServer {
  const server = new WebSocketServer({ ...options, noServer: true, perMessageDeflate: false });
  server.on("wsClientError", (cause, socket) => {
    const message = `the WebSocket handshake is not as RFC 6455 has it: ${cause.message}; use version 13 and a key of 16 bytes in base64`;
    refuseSocket(socket as Socket, new MillraceError("invalid_argument", message, { cause }));
  });
  return server;
}
