import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import {
  disown,
  leaveKilledServer,
  leaveStaleSocket,
  scratchDirectory,
  startForeignServer,
  turns,
} from "../../test/scratch.js";
import type { Endpoint, Listener, Transport } from "../transport.js";
import { claimPath } from "./claim.js";
import * as probe from "./probe.js";
import { unixSocket } from "./unix-socket.js";

vi.mock("./probe.js", async (original) => {
  const actual = await original<typeof probe>();
  return { ...actual, isAnswering: vi.fn(actual.isAnswering) };
});

const NAME: Endpoint = { kind: "name" };
const echo = (stream: Duplex): void => void stream.pipe(stream);

async function answers(transport: Transport, name = "a"): Promise<boolean> {
  const stream = await transport.dial(name, NAME, {});
  stream.end("hello");
  return (await text(stream)) === "hello";
}

function closing(listener: Listener): Listener {
  onTestFinished(() => listener.close());
  return listener;
}

describe("a taken name", () => {
  test("is rejected when a live @ipc server has it, and that server keeps running", async () => {
    const directory = scratchDirectory();
    const transport = unixSocket({ directory });
    closing(await transport.listen("a", NAME, echo, {}));
    await expect(transport.listen("a", NAME, echo, {})).rejects.toMatchObject({
      code: "IPC_ADDRESS_IN_USE",
      message: expect.stringContaining("a server listens at"),
    });
    expect(readdirSync(directory)).toEqual(["a.sock"]);
    expect(await answers(transport)).toBe(true);
  });

  test("is rejected when a live foreign server has it, without a connection if the system can tell", async () => {
    // golang-ipc stops listening for good when a client connects and disconnects.
    const directory = scratchDirectory();
    const onStream = vi.fn();
    await startForeignServer(join(directory, "a.sock"), onStream);
    const listen = unixSocket({ directory }).listen("a", NAME, echo, {});
    await expect(listen).rejects.toMatchObject({ code: "IPC_ADDRESS_IN_USE" });
    await turns(5);
    expect(onStream).toHaveBeenCalledTimes(process.platform === "linux" ? 0 : 1);
    expect(readdirSync(directory)).toEqual(["a.sock"]);
  });

  test("is rejected when a slot of another server has it", async () => {
    const transport = unixSocket({ directory: scratchDirectory() });
    closing(await transport.listen("foo1", NAME, echo, {}));
    const slot = transport.listen("foo", { kind: "slot", id: 1 }, echo, {});
    await expect(slot).rejects.toMatchObject({ code: "IPC_ADDRESS_IN_USE" });
    expect(await answers(transport, "foo1")).toBe(true);
  });

  test.each([
    ["a directory", (path: string) => mkdirSync(path)],
    ["a plain file", (path: string) => writeFileSync(path, "precious")],
    ["a symbolic link", (path: string) => symlinkSync("precious", path)],
  ])("is rejected when it is %s, which stays", async (what, make) => {
    const directory = scratchDirectory();
    writeFileSync(join(directory, "precious"), "precious");
    const path = join(directory, "a.sock");
    make(path);
    await expect(unixSocket({ directory }).listen("a", NAME, echo, {})).rejects.toMatchObject({
      code: "IPC_ADDRESS_IN_USE",
      message: expect.stringMatching(new RegExp(`a\\.sock is ${what}, not a socket, and is never deleted`)),
    });
    expect(readdirSync(directory)).toEqual(["a.sock", "precious"]);
    expect(readFileSync(join(directory, "precious"), "utf8")).toBe("precious");
  });

  test("is rejected when it is another user's socket, stale or not", async () => {
    const directory = scratchDirectory();
    const path = join(directory, "a.sock");
    await leaveStaleSocket(path);
    const owner = disown(path);
    await expect(unixSocket({ directory, trustedOwners: [owner] }).listen("a", NAME, echo, {})).rejects.toMatchObject({
      code: "IPC_ADDRESS_IN_USE",
      message: expect.stringContaining(`a socket of user ${owner}`),
    });
    expect(readdirSync(directory)).toEqual(["a.sock"]);
  });
});

describe("a stale socket", () => {
  test("is replaced when a killed server left it", async () => {
    const directory = scratchDirectory();
    await leaveKilledServer(join(directory, "a.sock"));
    const transport = unixSocket({ directory });
    await expect(transport.dial("a", NAME, {})).rejects.toMatchObject({
      code: "IPC_NO_SERVER",
      cause: expect.objectContaining({ code: "ECONNREFUSED" }),
    });
    const listener = await transport.listen("a", NAME, echo, {});
    expect(await answers(transport)).toBe(true);
    expect(readdirSync(directory)).toEqual(["a.sock"]);
    await listener.close();
    expect(readdirSync(directory)).toEqual([]);
  });

  test("is replaced when the last starter died holding the lock", async () => {
    const directory = scratchDirectory();
    await leaveStaleSocket(join(directory, "a.sock"));
    writeFileSync(join(directory, "a.sock.lock"), `${0x7fff_fff1}\n`);
    closing(await unixSocket({ directory }).listen("a", NAME, echo, {}));
    expect(readdirSync(directory)).toEqual(["a.sock"]);
  });

  test("is not replaced when it turns live while the lock is awaited", async () => {
    const directory = scratchDirectory();
    const path = join(directory, "a.sock");
    await leaveStaleSocket(path);
    const transport = unixSocket({ directory });
    const [one, other] = await Promise.allSettled([
      transport.listen("a", NAME, echo, {}),
      transport.listen("a", NAME, echo, {}),
    ]);
    const won = [one, other].find((outcome) => outcome.status === "fulfilled");
    const lost = [one, other].find((outcome) => outcome.status === "rejected");
    expect(lost?.reason).toMatchObject({ code: "IPC_ADDRESS_IN_USE" });
    expect(await answers(transport)).toBe(true);
    await won?.value.close();
    expect(readdirSync(directory)).toEqual([]);
  });
});

test("takes a new lock when its lock was broken before it takes the name", async () => {
  const path = join(scratchDirectory(), "a.sock");
  await leaveStaleSocket(path);
  const answering = vi.mocked(probe.isAnswering);
  answering.mockResolvedValueOnce(false).mockImplementationOnce(async () => {
    rmSync(`${path}.lock`);
    return false;
  });
  const onTake = vi.fn(async () => readdirSync(join(path, "..")));
  expect(await claimPath(path, undefined, onTake)).toEqual(["a.sock.lock"]);
  expect(onTake).toHaveBeenCalledTimes(1);
});

test.each([
  ["over a stale socket", leaveStaleSocket],
  ["at a free name", async () => {}],
])("lets exactly one of ten starters %s listen, ten times over", async (_, prepare) => {
  const directory = scratchDirectory();
  const transport = unixSocket({ directory });
  for (let round = 0; round < 10; round++) {
    await prepare(join(directory, "a.sock"));
    const starts = Array.from({ length: 10 }, () => transport.listen("a", NAME, echo, {}));
    const outcomes = await Promise.allSettled(starts);
    const won = outcomes.filter((outcome) => outcome.status === "fulfilled");
    const lost = outcomes.filter((outcome) => outcome.status === "rejected");
    expect(won).toHaveLength(1);
    for (const { reason } of lost) expect(reason).toMatchObject({ code: "IPC_ADDRESS_IN_USE" });
    expect(await answers(transport)).toBe(true);
    await won[0]?.value.close();
    expect(readdirSync(directory)).toEqual([]);
  }
});

describe("closing an owner", () => {
  test("leaves the file of the server that came after it", async () => {
    const directory = scratchDirectory();
    const path = join(directory, "a.sock");
    const transport = unixSocket({ directory });
    const old = await transport.listen("a", NAME, echo, {});
    // As golang-ipc does.
    rmSync(path);
    await startForeignServer(path);
    const stolen = readdirSync(directory);
    await old.close();
    await old.close();
    expect(readdirSync(directory)).toEqual(stolen);
  });

  test("leaves a file that is not a socket", async () => {
    const directory = scratchDirectory();
    const path = join(directory, "a.sock");
    const listener = await unixSocket({ directory }).listen("a", NAME, echo, {});
    rmSync(path);
    writeFileSync(path, "precious");
    await listener.close();
    expect(readFileSync(path, "utf8")).toBe("precious");
  });

  test("frees the name before it settles", async () => {
    const transport = unixSocket({ directory: scratchDirectory() });
    for (let round = 0; round < 20; round++) await (await transport.listen("a", NAME, echo, {})).close();
  });
});
