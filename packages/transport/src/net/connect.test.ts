import { once } from "node:events";
import { type AddressInfo, createServer, Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { memoryPair } from "../memory/memory-stream.js";
import { connectSocket, hasOneReader } from "./connect.js";

/** A socket of this package, and its other end. */
async function connected(): Promise<{ readonly socket: Socket; readonly peer: Socket }> {
  const server = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => {
    server.close();
  });
  await once(server, "listening");
  const accepted = once(server, "connection");
  const socket = await connectSocket({ port: (server.address() as AddressInfo).port, host: "127.0.0.1" }, undefined);
  const [peer] = (await accepted) as [Socket];
  onTestFinished(() => {
    socket.destroy();
    peer.destroy();
  });
  return { socket, peer };
}

const ignore = (): void => {};

test("a socket of this package has one reader, after another has left too, and a caller's stream any number", async () => {
  const { socket } = await connected();
  socket.on("data", ignore).off("data", ignore).on("data", ignore);
  expect(hasOneReader(socket)).toBe(true);
  for (const stream of [new Socket(), memoryPair()[0]]) {
    stream.on("data", ignore);
    expect(hasOneReader(stream)).toBe(false);
  }
});

test.each(["data", "readable"])(
  "a socket has several readers as soon as a second listens for %s, and for good",
  async (event) => {
    const { socket } = await connected();
    socket.on("data", ignore);
    socket.on(event, ignore);
    socket.off(event, ignore);
    expect(hasOneReader(socket)).toBe(false);
  },
);

test("a socket has several readers while a chunk is emitted whose other listener has left already", async () => {
  const { socket, peer } = await connected();
  const seen: boolean[] = [];
  socket.once("data", ignore);
  socket.on("data", () => seen.push(hasOneReader(socket)));
  peer.end("x");
  await once(socket, "end");
  expect(seen).toEqual([false]);
});
