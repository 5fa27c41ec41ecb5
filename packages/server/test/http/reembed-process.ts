/** An engine whose model `openai` is at an address, in a process of its own, to be killed. Prints its address; takes directory and that. */
import { startServer } from "../../src/index.ts";

const [directory = "", url = ""] = process.argv.slice(2);
const server = await startServer({ port: 0, directory, embedding: { url } });
console.log(server.url);
