/** An engine in a process of its own, to be killed; it may read pages of this machine. Prints its address. */
import { startServer } from "@millrace/server";

const directory = process.argv[2] ?? "";
const server = await startServer({ port: 0, directory, allowAddresses: ["127.0.0.1"] });
console.log(server.url);
