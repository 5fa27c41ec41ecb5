/** An engine in a process of its own, to be killed. Prints its address; takes the data directory and the mode of its streams as arguments. */
import { startServer } from "@millrace/server";

const server = await startServer({
  port: 0,
  directory: process.argv[2] ?? "",
  mode: process.argv[3] === "strict" ? "strict" : "relaxed",
});
console.log(server.url);
