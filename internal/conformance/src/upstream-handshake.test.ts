import { connect, createServer } from "node:net";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { type ClientOptions, startClient } from "@ipc/client";
import { describe, expect, it, onTestFinished } from "vitest";
import { eventually } from "../../testkit/src/eventually.js";
import { FarServer } from "../../testkit/src/far-server.js";
import { failureOf, nextEvent, readUntil } from "../../testkit/src/peer-watch.js";
import { plainFrame, RawPeer } from "../../testkit/src/raw-peer.js";
import { stopClock } from "../../testkit/src/stopped-clock.js";
import { temporaryDirectory } from "../../testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../testkit/src/until-test-ends.js";
import { KINDS, NAME, startAttacked } from "../test/attacked.js";

// What is broken in golang-ipc's handshake, by the numbers of our list of its defects; each is a thing that ours does not do.

const MIB = 1_048_576;
const JUNK_KEY = new Array<number>(97).fill(0x41);

/** Dials a malicious server of the test's once, and resolves with what became of it. */
async function refusalBy(play: (far: RawPeer) => Promise<void>, options: Partial<ClientOptions> = {}) {
  const directory = temporaryDirectory();
  const far = await FarServer.listen(directory, NAME);
  const failing = failureOf(startClient({ name: NAME, directory, retry: false, ...options }));
  const peer = new RawPeer(await far.next());
  await play(peer);
  const error = await failing;
  // It keeps nothing of it.
  await peer.gone;
  return error;
}

describe("row 7: one silent client blocks every later one for ever", () => {
  it.each(KINDS)("a %s serves others while ten are silent, at each place of a handshake", async (kind) => {
    const target = await startAttacked(kind);
    const silent = await Promise.all(Array.from({ length: 10 }, () => RawPeer.connect(target.path)));
    await Promise.all(silent.map((peer) => peer.read(2)));
    for (const peer of silent.slice(5)) peer.write(0);
    await Promise.all(silent.slice(5).map((peer) => peer.read(97)));
    await target.served();
  });

  it.each(KINDS)("a %s ends them when their time is up, and says so", async (kind) => {
    const target = await startAttacked(kind, { handshakeTimeoutMs: 20 });
    await (await RawPeer.connect(target.path)).gone;
    expect(target.refused).toMatchObject([{ code: "IPC_HANDSHAKE_TIMEOUT" }]);
  });

  it("a client gives a silent server up, too", async () => {
    const error = await refusalBy(async () => {}, { handshakeTimeoutMs: 20 });
    expect(error.code).toBe("IPC_HANDSHAKE_TIMEOUT");
  });
});

describe("row 8: any handshake error closes the listener", () => {
  it.each(KINDS)("a %s outlives clients that connect and close, send garbage, or leave half-way", async (kind) => {
    const target = await startAttacked(kind);
    const attacks: ((peer: RawPeer) => void)[] = [
      (peer) => peer.stream.end(),
      (peer) => peer.stream.destroy(),
      (peer) => peer.write(9),
      (peer) => peer.write(1),
      (peer) => peer.write(0, ...JUNK_KEY),
      (peer) => peer.stream.write(Buffer.alloc(70_000, 0xff)),
    ];
    for (const attack of attacks) {
      const peer = await RawPeer.connect(target.path);
      await peer.read(2);
      attack(peer);
      await peer.gone;
    }
    await eventually(() => expect(target.refused).toHaveLength(attacks.length));
    await target.served();
  });
});

describe("row 9: a client without encryption misreads an encrypting server's key as a length", () => {
  it("ours follows the server: it is encrypted", async () => {
    const target = await startAttacked("server");
    const client = await target.served({ encryption: false });
    expect(client.security.mode).toBe("secure");
  });

  it.each(KINDS)("a %s that is sent frames where a key is due refuses them, and allocates nothing", async (kind) => {
    const target = await startAttacked(kind);
    const before = process.memoryUsage();
    const peer = await RawPeer.connect(target.path);
    await peer.read(2);
    peer.write(0);
    for (let i = 0; i < 10; i++) peer.stream.write(plainFrame(1, "a message in the clear"));
    await peer.gone;
    expect(target.refused).toMatchObject([{ code: "IPC_PUBLIC_KEY_INVALID" }]);
    expect(process.memoryUsage().external - before.external).toBeLessThan(MIB);
    await target.served();
  });
});

describe("row 10: 97 junk bytes as a public key end the process", () => {
  it.each(KINDS)("a %s ends that connection only", async (kind) => {
    const target = await startAttacked(kind);
    for (const first of [0x41, 0x04, 0x00]) {
      const peer = await RawPeer.connect(target.path);
      await peer.read(2);
      peer.write(0, first, ...JUNK_KEY.slice(1));
      await peer.gone;
    }
    expect(target.refused.map(({ code }) => code)).toEqual(new Array(3).fill("IPC_PUBLIC_KEY_INVALID"));
    await target.served();
  });

  it("a client that a server does this to says so", async () => {
    const error = await refusalBy(async (far) => {
      far.write(2, 1);
      await far.read(1);
      far.write(...JUNK_KEY);
    });
    expect(error.code).toBe("IPC_PUBLIC_KEY_INVALID");
  });
});

describe("row 11: an item that arrives in pieces desynchronises the handshake", () => {
  it.each(KINDS)("a client of a %s talks to it byte by byte, both ways", async (kind) => {
    const target = await startAttacked(kind);
    const directory = temporaryDirectory();
    await relayByteByByte(join(directory, `${NAME}.sock`), target.path);
    for (const more of [{}, { security: { wire: "golang-ipc" } }] as const) {
      const client = await target.served({ directory, ...more });
      await client.close();
    }
  });

  /** Passes on what comes, each byte by a write of its own that is on its way before the next. */
  async function relayByteByByte(from: string, to: string): Promise<void> {
    const relay = createServer({ allowHalfOpen: true }, (near) => {
      const far = connect({ path: to, allowHalfOpen: true });
      onTestFinished(() => void [near, far].map((socket) => socket.destroy()));
      for (const [source, sink] of [
        [near, far],
        [far, near],
      ] as const) {
        source.on("error", () => {});
        void (async () => {
          for await (const chunk of source) {
            for (const byte of chunk as Buffer) await new Promise((sent) => sink.write(Uint8Array.of(byte), sent));
          }
          sink.end();
        })().catch(() => sink.destroy());
      }
    });
    onTestFinished(() => void relay.close());
    await new Promise<void>((listening) => relay.listen(from, listening));
  }
});

describe("row 12: four bytes of length make the other side allocate 4 GiB", () => {
  it.each([
    ["4 GiB", [0xff, 0xff, 0xff, 0xff]],
    ["2 GiB", [0x80, 0, 0, 0]],
    ["a byte more than the most", [0, 0, 0x10, 0x01]],
    ["less than there must be", [0, 0, 0, 3]],
  ])("limits of %s end a client's connection before anything is allocated", async (_what, length) => {
    const before = process.memoryUsage();
    const error = await refusalBy(
      async (far) => {
        far.write(2, 0);
        await far.read(1);
        far.write(...length);
      },
      { encryption: false },
    );
    expect(error.code).toBe("IPC_HANDSHAKE_FAILED");
    expect(process.memoryUsage().external - before.external).toBeLessThan(MIB);
  });
});

describe("row 27: a late handshake makes a ghost connection that holds the server's only place", () => {
  it.each(["a time-out", "an abort"])("%s of the dial destroys the connection that was being made", async (how) => {
    const directory = temporaryDirectory();
    const far = await FarServer.listen(directory, NAME);
    const giveUp = new AbortController();
    const pass = stopClock();
    const options = { handshakeTimeoutMs: 1_000_000, timeoutMs: 60_000, signal: giveUp.signal };
    const failing = failureOf(startClient({ name: NAME, directory, ...options }));
    const peer = new RawPeer(await far.next());
    if (how === "an abort") giveUp.abort();
    else pass(60_000);
    // The server is slow: it goes on only when the client has given up.
    expect((await failing).code).toBe(how === "an abort" ? "IPC_ABORTED" : "IPC_TIMED_OUT");
    peer.write(2, 0);
    await peer.gone;
    expect(far.connections).toBe(1);
  });
});

describe("row 28: a handshake error while redialling ends redialling for ever", () => {
  it("a client redials through ends, nonsense and silence until it is served", async () => {
    const directory = temporaryDirectory();
    const far = await FarServer.listen(directory, NAME);
    const pass = stopClock();
    const passUntil = async (isSo: () => boolean, ms: number): Promise<void> => {
      for (; !isSo(); await setImmediate()) pass(ms);
    };
    let dials = 1;
    /** Lets the pauses between dials pass until the client has dialled again. */
    const redial = (): Promise<void> => {
      dials++;
      return passUntil(() => far.connections === dials, 1);
    };
    const starting = startClient({ name: NAME, directory, retryMs: 1, handshakeTimeoutMs: 1_000_000 });
    await far.session();
    const client = untilTestEnds(await starting);
    far.latest.destroy();
    await redial();
    (await far.next()).destroy();
    await redial();
    const nonsense = new RawPeer(await far.next());
    nonsense.write(2, 1);
    nonsense.write(...JUNK_KEY);
    await redial();
    const half = new RawPeer(await far.next());
    half.write(2);
    half.stream.end();
    await redial();
    const silent = new RawPeer(await far.next());
    await passUntil(() => silent.stream.destroyed, 1_000_000);
    const connected = nextEvent(client, "status");
    await redial();
    const session = await far.session();
    expect(await connected).toBe("Connected");
    await session.write(1, "welcome back");
    expect(await readUntil(client, "welcome back")).toContain("welcome back");
    expect(client.stats.reconnects).toBe(1);
  });
});
