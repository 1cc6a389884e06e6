import { readFileSync } from "node:fs";
import type { Duplex } from "node:stream";
import { type Client, startClient } from "@ipc/client";
import { deriveMessageKey, deriveSharedSecret, keyPairFromScalar, MessageCipher } from "@ipc/crypto";
import { startServer } from "@ipc/server";
import { tcp } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import { eventually } from "../../testkit/src/eventually.js";
import { FarServer } from "../../testkit/src/far-server.js";
import { collect, nextEvent, readData } from "../../testkit/src/peer-watch.js";
import { plainFrame, RawPeer } from "../../testkit/src/raw-peer.js";
import { temporaryDirectory } from "../../testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../testkit/src/until-test-ends.js";
import { type Attacked, KINDS, NAME, startAttacked } from "../test/attacked.js";

// What is broken in golang-ipc's reading, by the numbers of our list of its defects; each is a thing that ours does not do.

const MIB = 1_048_576;

/** Bytes that stand where a message is due, and what they end a connection with. */
const BAD_FRAMES: readonly (readonly [string, readonly number[], string])[] = [
  ["row 12: a length of 4 GiB", [0xff, 0xff, 0xff, 0xff], "IPC_FRAME_TOO_LARGE"],
  ["row 12: a length of a byte more than the limit", [0, 0, 0x04, 0x05], "IPC_FRAME_TOO_LARGE"],
  ["row 13: a body of 3 bytes", [0, 0, 0, 3, 0, 0, 1], "IPC_FRAME_TOO_SHORT"],
  ["row 13: a body of no byte", [0, 0, 0, 0], "IPC_FRAME_TOO_SHORT"],
];

/** A connection without encryption, its handshake done, that a test goes on with. */
async function joinPlain(target: Attacked): Promise<RawPeer> {
  const peer = await RawPeer.connect(target.path);
  await peer.join();
  return peer;
}

/** A client of a server that the test plays: the connection's other end, and the client. */
async function lure(): Promise<{ far: FarServer; peer: RawPeer; client: Client }> {
  const directory = temporaryDirectory();
  const far = await FarServer.listen(directory, NAME);
  const starting = startClient({ name: NAME, directory, encryption: false, retryMs: 1, maxMessageSize: 1_024 });
  const peer = new RawPeer(await far.next());
  await peer.serve();
  return { far, peer, client: untilTestEnds(await starting) };
}

/** The client has redialled, and is served. */
async function expectServedAgain({ far, client }: { far: FarServer; client: Client }): Promise<void> {
  const peer = new RawPeer(await far.next());
  await peer.serve();
  peer.stream.write(plainFrame(1, "welcome back"));
  expect((await readData(client)).text()).toBe("welcome back");
}

describe.each(BAD_FRAMES)("%s", (_what, bytes, code) => {
  it.each(KINDS)("ends that connection of a %s, and nothing is allocated for it", async (kind) => {
    const target = await startAttacked(kind, { encryption: false, maxMessageSize: 1_024 });
    // Meanwhile, where there is room for another.
    const good = kind === "manager" ? await target.served({ encryption: false }) : undefined;
    const before = process.memoryUsage();
    const peer = await joinPlain(target);
    peer.write(...bytes);
    await peer.gone;
    await eventually(() => expect(target.lost).toMatchObject([{ code }]));
    expect(process.memoryUsage().external - before.external).toBeLessThan(MIB);
    expect(good?.stats.reconnects ?? 0).toBe(0);
    expect(target.delivered).toEqual(good === undefined ? [] : ["hello"]);
    await target.served({ encryption: false });
  });

  it("ends a client's connection, which says so and redials", async () => {
    const lured = await lure();
    const lost = nextEvent(lured.client, "lost");
    lured.peer.write(...bytes);
    expect(await lost).toMatchObject({ code });
    await expectServedAgain(lured);
  });
});

describe("row 14: half a frame is delivered as a whole one, padded with zeros", () => {
  const frame = plainFrame(7, "not all of it arrives");

  it.each(KINDS)("a %s delivers nothing of it, wherever it is cut", async (kind) => {
    const target = await startAttacked(kind, { encryption: false });
    for (let length = 1; length < frame.length; length++) {
      const peer = await joinPlain(target);
      peer.stream.write(Buffer.concat([plainFrame(1, "whole"), frame.subarray(0, length)]));
      // What is echoed is what was delivered.
      expect((await peer.read(13)).toString("latin1")).toContain("whole");
      peer.stream.end();
      await peer.gone;
      await eventually(() => expect(target.lost.at(-1)).toMatchObject({ code: "IPC_FRAME_TRUNCATED" }));
    }
    expect(target.lost).toHaveLength(frame.length - 1);
    expect(target.delivered).toEqual(target.lost.map(() => "whole"));
    await target.served({ encryption: false });
  });
});

describe("row 15: a reset, or an end within a frame, leaves the client connected and deaf", () => {
  it.each([
    [
      "an end within a frame",
      (stream: Duplex) => stream.end(plainFrame(7, "half").subarray(0, 10)),
      "IPC_FRAME_TRUNCATED",
    ],
    ["a cut", (stream: Duplex) => stream.destroy(), "IPC_CONNECTION_LOST"],
  ] as const)("%s is told, and the client redials", async (_what, end, code) => {
    const lured = await lure();
    const lost = nextEvent(lured.client, "lost");
    const status = nextEvent(lured.client, "status");
    end(lured.peer.stream);
    expect(await lost).toMatchObject({ code });
    expect(await status).toBe("Reconnecting");
    await expectServedAgain(lured);
  });
});

describe("row 16: leading zero bytes are dropped before hashing", () => {
  it("ours does the same, for golang-ipc's key only", () => {
    const vectors = readFileSync(new URL("../vectors/ipcx-1.json", import.meta.url), "utf8");
    const { "leading zero": leadingZero } = JSON.parse(vectors) as {
      readonly "leading zero": Readonly<Record<string, string>>;
    };
    const bytes = (name: string): Uint8Array => Buffer.from(leadingZero[name] ?? "", "hex");
    const { privateKey } = keyPairFromScalar(bytes("client private key"));
    const x = deriveSharedSecret(privateKey, bytes("server key"));
    expect(Buffer.compare(x, bytes("X"))).toBe(0);
    expect(x[0]).toBe(0);
    expect(Buffer.compare(deriveMessageKey(x).export(), bytes("golang-ipc key"))).toBe(0);
  });
});

describe("row 20: reading goes on after a failed tag", () => {
  const wire = { security: { wire: "golang-ipc" } } as const;
  const pair = keyPairFromScalar(new Uint8Array(48).fill(9));

  function frame(cipher: MessageCipher, text: string, flipped = false): Buffer {
    const body = cipher.seal(plainFrame(1, text).subarray(4));
    if (flipped) body[body.length - 1] = (body.at(-1) as number) ^ 1;
    return Buffer.concat([Buffer.of(0, 0, 0, body.length), body]);
  }
  const said = (cipher: MessageCipher): Buffer =>
    Buffer.concat([frame(cipher, "good"), frame(cipher, "altered", true), frame(cipher, "behind it")]);

  it.each(KINDS)("a %s delivers what came before, nothing of it, nothing behind it, and ends", async (kind) => {
    const target = await startAttacked(kind, wire);
    const peer = await RawPeer.connect(target.path);
    await peer.read(2);
    peer.write(0);
    peer.stream.write(pair.publicKey);
    const cipher = new MessageCipher(deriveMessageKey(deriveSharedSecret(pair.privateKey, await peer.read(97))));
    await peer.read((await peer.read(4)).readUInt32BE());
    peer.write(0);
    peer.stream.write(frame(cipher, "good"));
    const echo = cipher.open(await peer.read((await peer.read(4)).readUInt32BE()));
    expect(Buffer.from(echo).toString("latin1")).toContain("good");
    peer.stream.write(Buffer.concat([frame(cipher, "altered", true), frame(cipher, "behind it")]));
    await expect(peer.read(1)).rejects.toThrow("ended after 0");
    await eventually(() => expect(target.lost).toMatchObject([{ code: "IPC_DECRYPTION_FAILED" }]));
    expect(target.delivered).toEqual(["good"]);
    await target.served(wire);
  });

  it("a client does the same, and redials", async () => {
    const directory = temporaryDirectory();
    const far = await FarServer.listen(directory, NAME);
    const starting = startClient({ name: NAME, directory, retryMs: 1, ...wire });
    const peer = new RawPeer(await far.next());
    peer.write(2, 1);
    await peer.read(1);
    peer.stream.write(pair.publicKey);
    const cipher = new MessageCipher(deriveMessageKey(deriveSharedSecret(pair.privateKey, await peer.read(97))));
    const limits = cipher.seal(Buffer.of(0, 0x30, 0, 0));
    peer.stream.write(Buffer.concat([Buffer.of(0, 0, 0, limits.length), limits]));
    await peer.read(1);
    const client = untilTestEnds(await starting);
    const messages = collect(client, "message");
    const lost = nextEvent(client, "lost");
    peer.stream.write(said(cipher));
    expect(await lost).toMatchObject({ code: "IPC_DECRYPTION_FAILED" });
    await peer.gone;
    await far.next();
    expect(messages.map((message) => message.text())).toEqual(["good"]);
  });
});

describe("row 37: a client that resets with unread data ends the process", () => {
  it("a server survives resets of clients that it is writing to", async () => {
    const server = untilTestEnds(await startServer({ name: NAME, transport: tcp({ port: 0 }), encryption: false }));
    const port = Number(server.address.split(":").at(-1));
    const lost = collect(server, "lost");
    server.on("status", (status) => {
      if (status === "Connected") void server.write(1, new Uint8Array(300_000)).catch(() => {});
    });
    for (let round = 1; round <= 5; round++) {
      const socket = await tcp({ port }).dial(NAME, { kind: "name" }, {});
      const peer = new RawPeer(socket);
      await peer.join();
      await peer.read(1_000);
      socket.pause();
      (socket as unknown as { resetAndDestroy(): void }).resetAndDestroy();
      await eventually(() => expect(lost).toHaveLength(round));
    }
    expect(lost.map(({ code }) => code)).toEqual(new Array(5).fill("IPC_CONNECTION_LOST"));
    const client = untilTestEnds(await startClient({ name: NAME, transport: tcp({ port }), encryption: false }));
    expect((await readData(client)).data.length).toBe(300_000);
  });

  it("as a client we never close on unread input: the other side reads to our end", async () => {
    const { client, peer } = await lure();
    const flood = Buffer.concat(new Array<Uint8Array>(1_000).fill(plainFrame(1, "x".repeat(900))));
    peer.stream.write(flood);
    await client.write(1, "the last word");
    const failed: Error[] = [];
    peer.stream.on("error", (error) => failed.push(error));
    await client.close();
    expect((await peer.read(21)).toString("latin1")).toContain("the last word");
    peer.stream.end();
    await peer.gone;
    expect(failed).toEqual([]);
  });
});

describe("row 39: the end of the client does not close the server's side", () => {
  it.each(KINDS)("a %s closes both sides of a hundred, and no handle stays", async (kind) => {
    const target = await startAttacked(kind, { encryption: false });
    const first = await joinPlain(target);
    first.stream.end();
    await first.gone;
    const handles = (): number => process.getActiveResourcesInfo().length;
    const before = handles();
    for (let i = 0; i < 100; i++) {
      const peer = await joinPlain(target);
      peer.stream.end();
      await peer.gone;
    }
    await eventually(() => expect(handles()).toBeLessThanOrEqual(before));
  });
});
