import { connect, type Socket } from "node:net";
import { READ_BYTES } from "./limits.ts";

/** One for all sockets: a read is handled whole before the next one begins. */
const shared = Buffer.allocUnsafe(READ_BYTES);

export type RawSocketEvents = {
  /** `length` bytes were read; the buffer is used again after the call. */
  read(bytes: Buffer, length: number): void;
  /** Once, however the connection ended; the error when there was one. */
  closed(error: Error | undefined): void;
};

/** A TCP connection that is read into one shared buffer, without a copy, an event or an allocation a read. */
export function connectRaw({ hostname, port }: URL, events: RawSocketEvents): Promise<Socket> {
  return new Promise((resolve, reject) => {
    let failure: Error | undefined;
    const socket = connect({
      host: hostname,
      port: Number(port),
      noDelay: true,
      onread: {
        buffer: shared,
        callback: (length, bytes) => {
          try {
            events.read(bytes as Buffer, length);
          } catch (error) {
            socket.destroy(error as Error);
          }
          return true;
        },
      },
    });
    socket.once("connect", () => resolve(socket));
    socket.on("error", (error) => {
      failure = error;
      reject(error);
    });
    socket.once("close", () => events.closed(failure));
  });
}
