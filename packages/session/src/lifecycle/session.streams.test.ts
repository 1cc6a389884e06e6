import { EventEmitter } from "node:events";
import { Duplex } from "node:stream";
import { memoryPair } from "@ipc/transport";
import { describe, expect, it, onTestFinished } from "vitest";
import type { PeerOptions } from "../options/peer-options.js";
import { openSession, type Session } from "./session.js";

/** A stream as another copy of the stream code makes it: the same methods and events, and no instance of Node's Duplex. */
function foreign(stream: Duplex, hidden: readonly string[] = []): Duplex {
  return new Proxy(stream, {
    getPrototypeOf: () => EventEmitter.prototype,
    get(target, key) {
      if (hidden.includes(String(key))) return undefined;
      const value: unknown = Reflect.get(target, key);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

async function open(near: Duplex, far: Duplex, options: PeerOptions = {}): Promise<[Session, Session]> {
  const sessions = await Promise.all([
    openSession(near, { role: "client", ...options }),
    openSession(far, { role: "server", ...options }),
  ]);
  onTestFinished(() => {
    for (const session of sessions) session.destroy();
  });
  return sessions;
}

async function nextText(session: Session): Promise<string> {
  for await (const message of session) return message.text();
  throw new Error("the session ended without a message");
}

/** A stream in object mode that passes on what `change` makes of each chunk of `stream`. */
function wrapped(stream: Duplex, change: (chunk: Buffer) => unknown): Duplex {
  return new Duplex({
    objectMode: true,
    read() {},
    write: (chunk, _encoding, done) => void stream.write(chunk, done),
    construct(done) {
      stream.on("data", (chunk: Buffer) => this.push(change(chunk)));
      done();
    },
  });
}

describe("openSession runs over", () => {
  it.each([
    ["a stream of another copy of the stream code", []],
    // readable-stream 3 has neither; its inner state has.
    ["one that does not tell whether it has ended", ["readableEnded", "writableFinished", "readableEncoding"]],
  ])("%s", async (_what, hidden) => {
    const [near, far] = memoryPair();
    const [client, server] = await open(foreign(near, hidden), far);
    await server.write(1, "äöü");
    expect(await nextText(client)).toBe("äöü");
    await client.close();
    await server.close();
  });

  it("a stream in object mode that emits bytes", async () => {
    const [near, far] = memoryPair();
    const [client, server] = await open(
      wrapped(near, (chunk) => chunk),
      far,
    );
    await server.write(1, "äöü");
    expect(await nextText(client)).toBe("äöü");
  });
});

describe("a stream that emits no bytes", () => {
  it("is rejected with a TypeError at once when its encoding is set before", async () => {
    const [near] = memoryPair();
    const opening = openSession(near.setEncoding("utf8"), { role: "client" });
    await expect(opening).rejects.toThrow(TypeError);
    await expect(opening).rejects.toThrow(
      "`stream` takes a Duplex of bytes, got one that emits strings (utf8); do not call `setEncoding` on it",
    );
  });

  it.each([
    ["strings", (chunk: Buffer) => chunk.toString("latin1"), "a string, not bytes; do not call `setEncoding` on it"],
    ["objects", () => ({}), "an object, not bytes; it must emit Uint8Arrays"],
    ["numbers", () => 5, "5, not bytes; it must emit Uint8Arrays"],
  ])("fails the handshake when it emits %s", async (_what, change, message) => {
    const [near, far] = memoryPair();
    openSession(far, { role: "server" }).catch(() => {});
    await expect(openSession(wrapped(near, change), { role: "client" })).rejects.toMatchObject({
      code: "IPC_HANDSHAKE_FAILED",
      message: expect.stringContaining(message),
    });
  });

  it("ends the session when its encoding is set during it", async () => {
    const [near, far] = memoryPair();
    const [client, server] = await open(near, far);
    const lost = new Promise<Error>((resolve) => client.on("lost", resolve));
    near.setEncoding("latin1");
    await server.write(1, "x");
    expect(await lost).toMatchObject({
      code: "IPC_CONNECTION_LOST",
      message: expect.stringContaining("the stream emitted a string, not bytes; do not call `setEncoding` on it"),
    });
  });
});

it.each([
  ["undefined", undefined, "got undefined"],
  ["an emitter", new EventEmitter(), "got an object without the method `read`"],
  ["a stream that cannot tell whether it is paused", foreign(memoryPair()[0], ["isPaused"]), "the method `isPaused`"],
  ["a stream that does not count its bytes", foreign(memoryPair()[0], ["writableLength"]), "without `destroyed` or"],
])("openSession rejects %s, and names the missing method", async (_what, stream, message) => {
  const opening = openSession(stream as Duplex, { role: "client" });
  await expect(opening).rejects.toThrow(TypeError);
  await expect(opening).rejects.toThrow(message);
});

describe.each([
  ["secure", {}],
  ["compatible", { security: { wire: "golang-ipc" } }],
  ["plain", { encryption: false }],
] as const)("a reader that transfers the memory of its messages, %s", (_mode, options) => {
  it.each([10, 5_000])("leaves all other messages of %i bytes intact, and ends no session", async (length) => {
    const [near, far] = memoryPair();
    const [client, server] = await open(near, far, options);
    for (let type = 1; type <= 50; type++) void server.write(type, new Uint8Array(length).fill(type));
    const wrong: number[] = [];
    for (let type = 1; type <= 50; ) {
      const message = await client.read();
      if (message.kind !== "data") continue;
      if (message.data.length !== length || message.data.some((byte) => byte !== type)) wrong.push(type);
      type++;
      try {
        structuredClone(message.data, { transfer: [message.data.buffer as ArrayBuffer] });
      } catch {
        // Node.js 21 and later refuse to transfer memory that is marked; Node.js 20 copies it.
      }
    }
    expect([wrong, client.status]).toEqual([[], "Connected"]);
  });
});

it("memory of a single message can be transferred", async () => {
  const [near, far] = memoryPair();
  const [client, server] = await open(near, far, { encryption: false });
  void server.write(1, new Uint8Array(100_000));
  for await (const { data } of client) {
    structuredClone(data, { transfer: [data.buffer as ArrayBuffer] });
    expect(data.length).toBe(0);
    break;
  }
});
