import { createRequire, syncBuiltinESMExports } from "node:module";
import { memoryPair } from "@ipc/transport";
import { describe, expect, onTestFinished, test } from "vitest";
import { eventually } from "../../../../internal/testkit/src/eventually.js";
import { HandmadePeer } from "../../test/handmade-peer.js";
import { ManInTheMiddle } from "../../test/man-in-the-middle.js";
import { recordsIn } from "../../test/record-pair.js";
import { openSession, type Session, type SessionOptions } from "./session.js";

const crypto = createRequire(import.meta.url)("node:crypto") as typeof import("node:crypto");
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
/** Items of a client before its first DATA; the last is its select and its AUTH. */
const CLIENT_ITEMS = 3;

interface Stage {
  readonly client: Session;
  readonly server: Session;
  /** The records of the client since the handshake: `kind:length` of each. */
  readonly records: () => string[];
}

async function stage(ofServer: Partial<SessionOptions> = {}): Promise<Stage> {
  const man = new ManInTheMiddle();
  const [client, server] = await Promise.all([
    openSession(man.client, { role: "client" }),
    openSession(man.server, { role: "server", ...ofServer }),
  ]);
  onTestFinished(() => {
    client.destroy();
    server.destroy();
  });
  return { client, server, records: () => recordsIn(Buffer.concat(man.heard.client.slice(CLIENT_ITEMS))) };
}

async function readData(session: Session): Promise<Uint8Array> {
  for (;;) {
    const message = await session.read();
    if (message.kind === "data") return message.data;
  }
}

describe("on the wire", () => {
  test("a tick's small messages become one record, and the CLOSE another", async () => {
    const { client, server, records } = await stage();
    for (let count = 0; count < 15; count++) void client.write(1, new Uint8Array(64));
    for (let count = 0; count < 15; count++) expect(await readData(server)).toHaveLength(64);
    await client.close();
    expect(records()).toEqual([`2:${15 * 72}`, "3:0"]);
  });

  test("an awaited message becomes a record of its own at once", async () => {
    const { client, server, records } = await stage();
    for (const length of [1, 2, 3]) {
      await client.write(1, new Uint8Array(length));
      expect(await readData(server)).toHaveLength(length);
    }
    expect(records()).toEqual(["2:9", "2:10", "2:11"]);
  });

  test("a message of 3 MiB becomes 13 records", async () => {
    const { client, server, records } = await stage();
    void client.write(1, new Uint8Array(3_145_728));
    expect(await readData(server)).toHaveLength(3_145_728);
    expect(records()).toEqual([...new Array<string>(12).fill("2:262144"), "2:8"]);
  });

  test("messages written before the session is open are in order", async () => {
    const { client, server } = await stage();
    const lengths = [3, 100_000, 4, 65_530, 0];
    for (const length of lengths) void server.write(1, new Uint8Array(length));
    for (const length of lengths) expect(await readData(client)).toHaveLength(length);
  });
});

describe("a reader that stands still", () => {
  /** Counts what is opened from now on. */
  function countOpened(): () => number {
    const real = crypto.createDecipheriv;
    let opened = 0;
    crypto.createDecipheriv = ((...given: Parameters<typeof real>) => {
      opened++;
      return real(...given);
    }) as typeof real;
    syncBuiltinESMExports();
    onTestFinished(() => {
      crypto.createDecipheriv = real;
      syncBuiltinESMExports();
    });
    return () => opened;
  }

  test("leaves records beyond its budget sealed, and opens them when it continues", async () => {
    const { client, server } = await stage({ maxUnreadBytes: 4_096 });
    const opened = countOpened();
    for (let count = 0; count < 50; count++) {
      void client.write(1, new Uint8Array(1_000));
      await client.flush();
    }
    await eventually(() => expect(server.stats.unreadBytes).toBeGreaterThanOrEqual(4_096));
    for (let count = 0; count < 20; count++) await turn();
    expect(server.stats.unreadBytes).toBe(4 * 1_160);
    expect(opened()).toBe(4);
    for (let count = 0; count < 50; count++) expect(await readData(server)).toHaveLength(1_000);
    expect(opened()).toBe(50);
    expect(server.stats.unreadBytes).toBe(0);
  });

  test("keeps no more memory of a record than its unread messages fill", async () => {
    const [near, far] = memoryPair();
    const opening = openSession(near, { role: "server" });
    const peer = await HandmadePeer.client(far);
    peer.say(1, peer.auth());
    // One message, and in the same record the first 60 000 bytes of one that never comes.
    const partial = Buffer.alloc(60_008);
    partial.writeUInt32BE(1_000_004);
    partial.writeUInt32BE(2, 4);
    peer.say(2, Buffer.concat([Buffer.from("000000050000000178", "hex"), partial]));
    const server = await opening;
    await eventually(() => expect(server.stats.messagesReceived).toBe(1));
    await turn();
    const data = await readData(server);
    expect([data.length, data.buffer.byteLength]).toEqual([1, 1]);
    server.destroy();
  });
});
