/** An engine in a process of its own, to be killed. Prints its address; takes the data directory as its argument. */
import { startServer } from "@millrace/server";

const server = await startServer({ port: 0, directory: process.argv[2] ?? "" });
console.log(server.url);
