import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { createBirpc } from "birpc";
import type { CallContestant, Value } from "./contestant.js";

interface Methods {
  echo(value: Value): Value;
}

/** JSON lines over a socket: birpc brings no transport of its own. */
const channel = (socket: Socket) => ({
  post: (line: string) => void socket.write(`${line}\n`),
  on: (deliver: (line: string) => void) => void createInterface({ input: socket }).on("line", deliver),
  serialize: JSON.stringify,
  deserialize: JSON.parse,
});

export const birpc: CallContestant = {
  hasBytes: false,
  async listen(path) {
    const server = createServer((socket) => {
      createBirpc<object, Methods>({ echo: (value) => value }, channel(socket));
    });
    await once(server.listen(path), "listening");
  },
  async connect(path) {
    const socket = connect(path);
    await once(socket, "connect");
    const rpc = createBirpc<Methods>({}, channel(socket));
    return { echo: (value) => rpc.echo(value), close: () => socket.end() };
  },
};
