import { once } from "node:events";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import {
  countListening,
  keepLockFresh,
  leaveStaleSocket,
  pretendPlatform,
  scratchDirectory,
  turns,
} from "../../test/scratch.js";
import { maxPathBytes } from "../endpoint.js";
import type { Endpoint, Listener } from "../transport.js";
import { unixSocket } from "./unix-socket.js";

const NAME: Endpoint = { kind: "name" };
const ENDPOINTS: readonly Endpoint[] = [NAME, { kind: "manager" }, { kind: "slot", id: 1 }];
const echo = (stream: Duplex): void => void stream.pipe(stream);

test("dials the listener of each endpoint", async () => {
  const directory = scratchDirectory();
  const transport = unixSocket({ directory });
  const listeners: Listener[] = [];
  for (const endpoint of ENDPOINTS) {
    listeners.push(await transport.listen("orders", endpoint, (stream) => stream.end(endpoint.kind), {}));
  }
  expect(listeners.map(({ address }) => address)).toEqual(
    ENDPOINTS.map((endpoint) => transport.address("orders", endpoint)),
  );
  expect(readdirSync(directory).sort()).toEqual(["orders.sock", "orders1.sock", "orders_manager.sock"]);
  for (const endpoint of ENDPOINTS) {
    const stream = await transport.dial("orders", endpoint, {});
    expect(await text(stream)).toBe(endpoint.kind);
  }
  for (const listener of listeners) await listener.close();
  expect(readdirSync(directory)).toEqual([]);
});

test("uses /tmp by default, as golang-ipc does", () => {
  expect(unixSocket().address("orders", NAME)).toBe("/tmp/orders.sock");
  expect(unixSocket().maxRetryDelayMs).toBe(250);
});

test("resolves a relative directory at once", () => {
  const transport = unixSocket({ directory: relative(process.cwd(), "/tmp/x") });
  const cwd = vi.spyOn(process, "cwd").mockReturnValue("/");
  onTestFinished(() => cwd.mockRestore());
  expect(transport.address("orders", NAME)).toBe("/tmp/x/orders.sock");
});

test("is a named pipe on Windows", () => {
  pretendPlatform("win32");
  const transport = unixSocket({ directory: "/ignored" });
  expect(transport.address("orders", { kind: "manager" })).toBe("\\\\.\\pipe\\orders_manager");
  expect(transport.maxRetryDelayMs).toBe(250);
});

test.each([
  [false, 0o600],
  [true, 0o777],
])("gives the socket the mode that unmaskPermissions %s asks for: %o", async (unmaskPermissions, mode) => {
  const directory = scratchDirectory();
  const listener = await unixSocket({ directory, unmaskPermissions }).listen("a", NAME, echo, {});
  expect(statSync(listener.address).mode & 0o777).toBe(mode);
  await listener.close();
});

test("accepts a path at the limit, with a name of one character too, and rejects one byte more on both sides (golang-ipc: row 6)", async () => {
  const base = scratchDirectory();
  const most = maxPathBytes(process.platform);
  for (const name of ["a", "orders"]) {
    const room = most - `${base}//${name}.sock`.length;
    const directory = join(base, name.padEnd(room, "d"));
    const transport = unixSocket({ directory });
    const listener = await transport.listen(name, NAME, echo, {});
    expect(Buffer.byteLength(listener.address)).toBe(most);
    expect(existsSync(listener.address)).toBe(true);
    const stream = await transport.dial(name, NAME, {});
    stream.end("hello");
    expect(await text(stream)).toBe("hello");
    await listener.close();
    expect(readdirSync(directory)).toEqual([]);

    const longer = unixSocket({ directory: `${directory}d` });
    const tooLong = { code: "IPC_PATH_TOO_LONG" };
    await expect(longer.listen(name, NAME, echo, {})).rejects.toMatchObject(tooLong);
    await expect(longer.dial(name, NAME, {})).rejects.toMatchObject(tooLong);
    expect(existsSync(`${directory}d`)).toBe(false);
  }
});

test("rejects a name that leaves the directory before anything is created (golang-ipc: row 1)", async () => {
  const base = scratchDirectory();
  const transport = unixSocket({ directory: join(base, "run") });
  const wrong = { code: "IPC_NAME_INVALID" };
  await expect(transport.listen("../x", NAME, echo, {})).rejects.toMatchObject(wrong);
  await expect(transport.dial("../x", NAME, {})).rejects.toMatchObject(wrong);
  expect(() => transport.address("../x", NAME)).toThrow(expect.objectContaining(wrong));
  expect(readdirSync(base)).toEqual([]);
});

test("passes on no stream before the listen has resolved", async () => {
  const directory = scratchDirectory();
  const transport = unixSocket({ directory });
  let listening = false;
  const given: boolean[] = [];
  const start = transport.listen("a", NAME, (stream) => void given.push(listening, Boolean(stream.resume())), {});
  const dialling = (async () => {
    for (;;) {
      const stream = await transport.dial("a", NAME, {}).catch(() => undefined);
      if (stream !== undefined) return stream;
      await turns(1);
    }
  })();
  const listener = await start;
  listening = true;
  (await dialling).destroy();
  while (given.length === 0) await turns(1);
  expect(given[0]).toBe(true);
  await listener.close();
});

test("keeps the data that arrives before the owner has added listeners, and survives a peer's destroy before that", async () => {
  const transport = unixSocket({ directory: scratchDirectory() });
  const streams: Duplex[] = [];
  const listener = await transport.listen("a", NAME, (stream) => void streams.push(stream), {});
  const patient = await transport.dial("a", NAME, {});
  patient.end("early");
  const rude = await transport.dial("a", NAME, {});
  while (streams.length < 2) await turns(1);
  const [first, second] = streams as [Duplex, Duplex];
  second.write("never read");
  await once(rude, "readable");
  rude.destroy();
  second.destroy(new Error("no listener for this"));
  await turns(3);
  expect(await text(first)).toBe("early");
  await listener.close();
});

describe("an aborted signal of unixSocket", () => {
  test("before the start opens nothing", async () => {
    const base = scratchDirectory();
    const transport = unixSocket({ directory: join(base, "run") });
    const signal = AbortSignal.abort("enough");
    const aborted = { code: "IPC_ABORTED", name: "AbortError", cause: "enough" };
    await expect(transport.listen("a", NAME, echo, { signal })).rejects.toMatchObject(aborted);
    await expect(transport.dial("a", NAME, { signal })).rejects.toMatchObject(aborted);
    expect(readdirSync(base)).toEqual([]);
  });

  test.each([
    ["at a free name", async () => {}, [] as string[]],
    ["over a stale socket", leaveStaleSocket, ["a.sock"]],
  ])(
    "in any macrotask of a listen %s leaves no new file, or the listen gives a listener",
    async (_, prepare, before) => {
      let aborts = 0;
      for (let turn = 0; turn < 25; turn++) {
        const directory = scratchDirectory();
        await prepare(join(directory, "a.sock"));
        const abort = new AbortController();
        const listening = unixSocket({ directory }).listen("a", NAME, echo, { signal: abort.signal });
        const outcome = listening.catch((error: unknown) => error);
        await turns(turn);
        abort.abort();
        const settled = await outcome;
        if (settled instanceof Error) {
          aborts++;
          expect(settled).toMatchObject({ code: "IPC_ABORTED" });
          expect(readdirSync(directory)).toEqual(before);
        } else {
          expect(readdirSync(directory)).toEqual(["a.sock"]);
          await (settled as Listener).close();
          expect(readdirSync(directory)).toEqual([]);
        }
        expect(countListening(directory)).toBe(0);
      }
      expect(aborts).toBeGreaterThan(0);
    },
  );

  test("ends the wait for another starter's lock, which stays", async () => {
    const directory = scratchDirectory();
    await leaveStaleSocket(join(directory, "a.sock"));
    const { SocketLock } = await import("./takeover-lock.js");
    const lock = await SocketLock.acquire(join(directory, "a.sock"), undefined);
    keepLockFresh(join(directory, "a.sock.lock"));
    for (const turn of [0, 1, 2, 5, 30, 60]) {
      const abort = new AbortController();
      const listening = unixSocket({ directory }).listen("a", NAME, echo, { signal: abort.signal });
      const outcome = expect(listening).rejects.toMatchObject({ code: "IPC_ABORTED" });
      await turns(turn);
      abort.abort();
      await outcome;
      expect(readdirSync(directory)).toEqual(["a.sock", "a.sock.lock"]);
    }
    expect(lock.isHeld()).toBe(true);
    lock.release();
  });

  test("changes nothing after a listen or a dial has resolved", async () => {
    const abort = new AbortController();
    const { signal } = abort;
    const transport = unixSocket({ directory: scratchDirectory() });
    const listener = await transport.listen("a", NAME, echo, { signal });
    const stream = await transport.dial("a", NAME, { signal });
    abort.abort();
    stream.end("hello");
    expect(await text(stream)).toBe("hello");
    await listener.close();
  });
});

test("leaves one listening socket after a listen, and none after a rejection or the close", async () => {
  const directory = scratchDirectory();
  const transport = unixSocket({ directory });
  const listener = await transport.listen("a", NAME, echo, {});
  expect(countListening(directory)).toBe(process.platform === "linux" ? 1 : 0);
  await expect(transport.listen("a", NAME, echo, {})).rejects.toMatchObject({ code: "IPC_ADDRESS_IN_USE" });
  expect(countListening(directory)).toBe(process.platform === "linux" ? 1 : 0);
  await listener.close();
  expect(countListening(directory)).toBe(0);
});

describe("unixSocket rejects", () => {
  test.each([
    [{ sharedDirectory: 1 }, TypeError, "`sharedDirectory` must be true or false, got 1"],
    [{ mode: 0o1777 }, RangeError, "`mode` must be an integer from 0o600 to 0o777, got 0o1777"],
    [{ group: "" }, TypeError, "`group` must be a gid or the name of a group"],
    [{ mode: 0o660, unmaskPermissions: true }, TypeError, "`mode` cannot be combined with `unmaskPermissions`"],
    [{ directory: "" }, TypeError, "`directory` must be a string that is not empty"],
    [{ directory: "/tmp\0" }, TypeError, "`directory`"],
    [{ directory: 7 }, TypeError, "got 7"],
    [{ unmaskPermissions: "yes" }, TypeError, '`unmaskPermissions` must be true or false, got "yes"'],
    [{ trustedOwners: 0 }, TypeError, "`trustedOwners` must be an array of uids, got 0"],
    [{ trustedOwners: ["root"] }, TypeError, "`trustedOwners`"],
    [{ trustedOwners: [-1] }, RangeError, "`trustedOwners` must be an integer from 0 to 4294967294, got -1"],
    [{ dir: "/tmp" }, TypeError, 'got "dir"'],
    ["/tmp", TypeError, "unixSocket() takes an object of options"],
  ])("the options %j", (options, kind, message) => {
    expect(() => unixSocket(options as object)).toThrow(expect.objectContaining({ constructor: kind }));
    expect(() => unixSocket(options as object)).toThrow(message);
  });
});
