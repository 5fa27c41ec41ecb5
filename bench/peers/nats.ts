/**
 * A peer for appends: publishing to a JetStream stream in a file, with acknowledgements in flight. This server answers when the message is
 * written, not when it is synced: it syncs every two minutes.
 */

import { MillraceError } from "@millrace/core";
import { type JetStreamClient, jetstream, jetstreamManager, StorageType } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import type { Publisher, PublisherEvents } from "../load/publisher.ts";
import { type Peer, spawnPeer } from "./spawn-peer.ts";

export function spawnNats(): Promise<Peer | undefined> {
  return spawnPeer("nats-server", (port, directory) => [
    "-js",
    "-sd",
    directory,
    "-a",
    "127.0.0.1",
    "-p",
    String(port),
  ]);
}

export async function openNats(port: number, events: PublisherEvents): Promise<Publisher> {
  const connection = await connect({ servers: `127.0.0.1:${port}` });
  const streams = await jetstreamManager(connection);
  await streams.streams.add({ name: "bench", subjects: ["bench.>"], storage: StorageType.File });
  const client: JetStreamClient = jetstream(connection);
  return {
    send: ({ stream, payloads }) => {
      const published = payloads.map((payload) => client.publish(`bench.${stream}`, payload));
      Promise.all(published).then(
        () => events.answered(),
        (error: unknown) => events.failed(MillraceError.from(error, "unavailable")),
      );
    },
    close: () => void connection.close(),
  };
}
