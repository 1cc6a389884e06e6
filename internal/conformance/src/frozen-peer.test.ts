import type { ChildProcess } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { existsSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startClient } from "@ipc/client";
import { startServerManager } from "@ipc/manager";
import { startServer } from "@ipc/server";
import { describe, expect, it, onTestFinished } from "vitest";
import { startModule } from "../../testkit/src/child-process.js";
import { eventually } from "../../testkit/src/eventually.js";
import { collect, nextEvent, readData } from "../../testkit/src/peer-watch.js";
import { temporaryDirectory } from "../../testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../testkit/src/until-test-ends.js";

const HERE = dirname(fileURLToPath(import.meta.url));
const name = "orders";
const heartbeatMs = 40;
const idleTimeoutMs = 400;

const MODES = [
  ["secure", {}],
  ["plain", { encryption: false }],
] as const;

/** Starts a server or a client that echoes, in a process of its own; resolves when it listens or is connected. */
function startFar(side: "server" | "client", directory: string, options: object = {}): Promise<ChildProcess> {
  const start = side === "server" ? "startServer" : "startClient";
  return startModule(
    `
      import { ${start} } from "@ipc/${side}";
      const peer = await ${start}(${JSON.stringify({ name, directory, ...options })});
      process.stdout.write("up");
      for await (const message of peer) await peer.write(message.type, message.data);
    `,
    HERE,
  );
}

interface Silent {
  on(event: "silent" | "responsive", listener: (silenceMs: number) => void): unknown;
}

/** Keeps whether a peer is silent: it may also be so for a moment because the machine is busy. */
function watchSilence(peer: Silent): { isSilent: boolean; longestMs: number } {
  const watch = { isSilent: false, longestMs: 0 };
  peer.on("silent", (silenceMs) => {
    watch.isSilent = true;
    watch.longestMs = Math.max(watch.longestMs, silenceMs);
  });
  peer.on("responsive", () => {
    watch.isSilent = false;
  });
  return watch;
}

const whyNot = process.platform === "win32" ? " (skipped: Windows has no SIGSTOP)" : "";

describe.skipIf(whyNot !== "").each(MODES)(`a process that is stopped, %s${whyNot}`, (_mode, mode) => {
  it("makes its client emit 'silent' and stay connected, and 'responsive' before the answer once it is continued", async () => {
    const directory = temporaryDirectory();
    const far = await startFar("server", directory, mode);
    const client = untilTestEnds(await startClient({ name, directory, heartbeatMs, ...mode }));
    const watch = watchSilence(client);
    far.kill("SIGSTOP");
    await eventually(() => expect(watch.isSilent).toBe(true));
    expect(watch.longestMs).toBeGreaterThanOrEqual(4 * heartbeatMs);
    expect(client.status).toBe("Connected");
    await client.write(1, "are you there?");
    far.kill("SIGCONT");
    expect((await readData(client)).text()).toBe("are you there?");
    expect(watch.isSilent).toBe(false);
  });

  it("makes its server and its manager emit 'silent', and name the client in their log and channels", async () => {
    const told: unknown[] = [];
    for (const channel of ["ipc:silent", "ipc:responsive"]) {
      const listener = (news: unknown): void => void told.push([channel, news]);
      subscribe(channel, listener);
      onTestFinished(() => void unsubscribe(channel, listener));
    }
    const lines: string[] = [];
    const keep = (line: string): void => void lines.push(line);
    const logger = { debug() {}, info: keep, warn: keep, error: keep };
    const [one, many] = [temporaryDirectory(), temporaryDirectory()];
    const server = untilTestEnds(await startServer({ name, directory: one, heartbeatMs, logger, ...mode }));
    const manager = untilTestEnds(await startServerManager({ name, directory: many, heartbeatMs, logger, ...mode }));
    const fars = await Promise.all([startFar("client", one, mode), startFar("client", many, mode)]);
    const connection = await eventually(() => {
      const [first] = manager.connections.values();
      if (first === undefined) throw new Error("no client yet");
      return first;
    });
    const watches = [watchSilence(server), watchSilence(connection)];
    for (const far of fars) far.kill("SIGSTOP");
    await eventually(() => expect(watches.map(({ isSilent }) => isSilent)).toEqual([true, true]));
    for (const far of fars) far.kill("SIGCONT");
    await eventually(() => expect(watches.map(({ isSilent }) => isSilent)).toEqual([false, false]));
    const silenceMs = expect.any(Number);
    for (const channel of ["ipc:silent", "ipc:responsive"]) {
      expect(told).toContainEqual([channel, { role: "server", name, remote: server.remote, silenceMs }]);
      const { id, remote } = connection;
      expect(told).toContainEqual([channel, { role: "server", name, id, remote, silenceMs }]);
    }
    const log = lines.join("\n");
    for (const subject of [
      `server orders: ${server.remote}`,
      `server orders: client ${connection.id}, ${connection.remote}`,
    ]) {
      expect(log).toMatch(new RegExp(`^${subject}: silent for \\d+ ms; PINGs were not answered`, "m"));
      expect(log).toMatch(new RegExp(`^${subject}: responsive again after \\d+ ms of silence$`, "m"));
    }
  });

  it("is disconnected by its client after `idleTimeoutMs`, which reconnects once the process is continued", async () => {
    const directory = temporaryDirectory();
    const far = await startFar("server", directory, mode);
    const client = untilTestEnds(
      await startClient({
        name,
        directory,
        heartbeatMs,
        idleTimeoutMs,
        retryMs: 5,
        ...mode,
      }),
    );
    const lost = nextEvent(client, "lost");
    far.kill("SIGSTOP");
    expect(await lost).toMatchObject({
      code: "IPC_CONNECTION_LOST",
      message: expect.stringMatching(/^nothing arrived for 400 ms, the limit of `idleTimeoutMs`: 0 messages/),
    });
    far.kill("SIGCONT");
    await eventually(() => expect(client.status).toBe("Connected"));
  });

  it("is disconnected by its server, which then accepts another client", async () => {
    const directory = temporaryDirectory();
    const server = untilTestEnds(await startServer({ name, directory, heartbeatMs, idleTimeoutMs, ...mode }));
    const far = await startFar("client", directory, mode);
    const lost = collect(server, "lost");
    far.kill("SIGSTOP");
    untilTestEnds(await startClient({ name, directory, ...mode }));
    expect(lost[0]).toMatchObject({ code: "IPC_CONNECTION_LOST" });
  });

  it("is disconnected by its manager, and reconnects once it is continued", async () => {
    const directory = temporaryDirectory();
    const manager = untilTestEnds(await startServerManager({ name, directory, heartbeatMs, idleTimeoutMs, ...mode }));
    const far = await startFar("client", directory, mode);
    const ends: unknown[] = [];
    manager.on("disconnection", (_connection, error) => ends.push(error?.code));
    far.kill("SIGSTOP");
    // A client that a busy machine holds up may be cut and come back before it is stopped.
    await eventually(() => expect([ends[0], manager.connections.size]).toEqual(["IPC_CONNECTION_LOST", 0]));
    far.kill("SIGCONT");
    await eventually(() => expect(manager.connections.size).toBe(1));
  });
});

describe.each(MODES)("a process that is busy for longer than its heartbeat, %s", (_mode, mode) => {
  it("does not report its peer as silent, because the bytes of the peer wait in the kernel", async () => {
    const directory = temporaryDirectory();
    // Its messages are with the kernel before this process goes on; it says so by a file, because this process does not listen.
    await startModule(
      `
        import { existsSync, writeFileSync } from "node:fs";
        import { startServer } from "@ipc/server";
        const server = await startServer(${JSON.stringify({ name, directory, heartbeatMs: 0, ...mode })});
        process.stdout.write("up");
        for (let round = 0; ; round++) {
          while (!existsSync(${JSON.stringify(directory)} + "/ask" + round)) await new Promise((done) => setTimeout(done, 1));
          await server.write(1, "alive");
          await server.flush();
          writeFileSync(${JSON.stringify(directory)} + "/said" + round, "");
        }
      `,
      HERE,
    );
    const client = untilTestEnds(
      await startClient({ name, directory, heartbeatMs: 8, idleTimeoutMs: 16, retry: false, ...mode }),
    );
    const events: unknown[] = [];
    client.on("silent", () => events.push("silent"));
    client.on("lost", (error) => events.push(error.code));
    for (let round = 0; round < 20; round++) {
      writeFileSync(`${directory}/ask${round}`, "");
      const busyUntil = performance.now() + 50;
      while (performance.now() < busyUntil || !existsSync(`${directory}/said${round}`));
      await nextTurn();
      await nextTurn();
      // After an end the server says nothing more.
      if (events.length > 0) break;
    }
    expect(events).toEqual([]);
    expect(client.stats.messagesReceived).toBe(20);
  });
});
