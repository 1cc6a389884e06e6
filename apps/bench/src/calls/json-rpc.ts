import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import {
  createMessageConnection,
  type MessageConnection,
  SocketMessageReader,
  SocketMessageWriter,
} from "vscode-jsonrpc/node";
import type { CallContestant } from "./contestant.js";

function connectionOf(socket: Socket): MessageConnection {
  return createMessageConnection(new SocketMessageReader(socket), new SocketMessageWriter(socket));
}

export const jsonRpc: CallContestant = {
  hasBytes: false,
  async listen(path) {
    const server = createServer((socket) => {
      const connection = connectionOf(socket);
      connection.onRequest("echo", (value: unknown) => value);
      connection.listen();
    });
    await once(server.listen(path), "listening");
  },
  async connect(path) {
    const socket = connect(path);
    await once(socket, "connect");
    const connection = connectionOf(socket);
    connection.listen();
    return {
      echo: (value) => connection.sendRequest("echo", value),
      close() {
        connection.dispose();
        socket.end();
      },
    };
  },
};
