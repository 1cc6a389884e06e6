import { once } from "node:events";
import { type AddressInfo, createServer, Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { memoryPair } from "../memory/memory-stream.js";
import { connectSocket, isOnlyReader } from "./connect.js";

test("the only reader of a socket is its one data listener, and a caller's stream has none that is known to be", async () => {
  const server = createServer((peer) => peer.destroy()).listen(0, "127.0.0.1");
  onTestFinished(() => {
    server.close();
  });
  await once(server, "listening");
  const socket = await connectSocket({ port: (server.address() as AddressInfo).port, host: "127.0.0.1" }, undefined);
  onTestFinished(() => {
    socket.destroy();
  });
  expect(isOnlyReader(socket)).toBe(false);
  socket.on("data", () => {});
  expect(isOnlyReader(socket)).toBe(true);
  socket.on("data", () => {});
  expect(isOnlyReader(socket)).toBe(false);
  for (const stream of [new Socket(), memoryPair()[0]]) {
    stream.on("data", () => {});
    expect(isOnlyReader(stream)).toBe(false);
  }
});
