/** A peer: the reference server of the Durable Streams protocol, with its file store in DIR or without one in memory. */
import { DurableStreamTestServer } from "@durable-streams/server";
import { announce } from "./announce.ts";

const directory = process.argv[2];
const server = new DurableStreamTestServer({
  host: "127.0.0.1",
  port: 0,
  compression: false,
  ...(directory === undefined ? {} : { dataDir: directory }),
});
announce(await server.start());
