// A server in a process of its own, which the test kills. usage: served-process.mjs DIRECTORY
import { method, serve, stream } from "@ipc/rpc";
import { startServer } from "@ipc/server";

const server = await startServer({ name: "killed", directory: process.argv[2] });
serve(
  server,
  { count: stream(), echo: method(), wait: method() },
  {
    async *count(limit) {
      for (let at = 0; at < limit; at++) yield at;
    },
    echo: (value) => value,
    wait: () => new Promise(() => {}),
  },
);
process.send?.("listening");
