import { chownSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import {
  isRoot,
  leaveStaleSocket,
  NEEDS_ROOT,
  OTHER_USER,
  scratchDirectory,
  startForeignServer,
  turns,
} from "../../test/scratch.js";
import type { Endpoint, Transport } from "../transport.js";
import { unixSocket } from "./unix-socket.js";

const NAME: Endpoint = { kind: "name" };
const MANAGER: Endpoint = { kind: "manager" };
const drop = (stream: Duplex): void => void stream.destroy();

async function listen(transport: Transport, name: string, endpoint: Endpoint): Promise<void> {
  const listener = await transport.listen(name, endpoint, drop, {});
  onTestFinished(() => listener.close());
}

/** Returns the message with which a server of a taken name is rejected. */
async function messageFor(transport: Transport, name: string, endpoint = NAME): Promise<string> {
  const error = await transport.listen(name, endpoint, drop, {}).then(
    () => new Error(`${name} was free`),
    (failure: Error & { code?: string }) => failure,
  );
  expect(error).toMatchObject({ code: "IPC_ADDRESS_IN_USE" });
  return error.message;
}

describe("the error for a taken name", () => {
  test.each([
    ["worker", 1, "worker1"],
    ["worker", 12, "worker12"],
    ["worker1", 2, "worker12"],
  ])("names manager %s, of which slot %i may have the name", async (manager, id, name) => {
    const directory = scratchDirectory();
    const transport = unixSocket({ directory });
    await listen(transport, manager, { kind: "slot", id });
    await listen(transport, manager, MANAGER);
    expect(await messageFor(transport, name)).toBe(
      `a server already listens at ${join(directory, name)}.sock, or it is a slot of manager \`${manager}\`, which listens; stop that server or manager, or choose another name`,
    );
  });

  test("names no manager that does not listen, or whose file is not a socket", async () => {
    const directory = scratchDirectory();
    const transport = unixSocket({ directory });
    await listen(transport, "worker12", NAME);
    await leaveStaleSocket(join(directory, "worker_manager.sock"));
    writeFileSync(join(directory, "worker1_manager.sock"), "");
    expect(await messageFor(transport, "worker12")).not.toContain("manager");
  });

  test("names no manager when a file that is not a socket is in the way", async () => {
    const directory = scratchDirectory();
    const transport = unixSocket({ directory });
    writeFileSync(join(directory, "worker1.sock"), "");
    await listen(transport, "worker", MANAGER);
    expect(await messageFor(transport, "worker1")).toContain("not a socket");
  });

  test("names no manager to another manager's id service, or to its slot", async () => {
    const transport = unixSocket({ directory: scratchDirectory() });
    await listen(transport, "worker1", NAME);
    await listen(transport, "worker", MANAGER);
    expect(await messageFor(transport, "worker", MANAGER)).not.toContain("slot");
    expect(await messageFor(transport, "worker", { kind: "slot", id: 1 })).not.toContain("slot");
  });

  test("names no manager whose path is too long to listen at", async () => {
    const base = scratchDirectory();
    const directory = join(base, "d".repeat(103 - base.length - "//worker1.sock".length));
    const transport = unixSocket({ directory });
    await listen(transport, "worker1", NAME);
    expect(await messageFor(transport, "worker1")).not.toContain("slot");
  });

  test("names a golang-ipc manager, and opens no connection to it", async ({ skip }) => {
    skip(process.platform !== "linux", "only Linux lists listeners");
    const directory = scratchDirectory();
    const onStream = vi.fn();
    await startForeignServer(join(directory, "worker1.sock"), onStream);
    await startForeignServer(join(directory, "worker_manager.sock"), onStream);
    expect(await messageFor(unixSocket({ directory }), "worker1")).toContain("slot of manager `worker`");
    await turns(5);
    expect(onStream).not.toHaveBeenCalled();
  });

  test("does not check the manager of another user", async ({ skip }) => {
    skip(!isRoot, NEEDS_ROOT);
    const directory = scratchDirectory();
    const onStream = vi.fn();
    const transport = unixSocket({ directory });
    await listen(transport, "worker1", NAME);
    const path = join(directory, "worker_manager.sock");
    await startForeignServer(path, onStream);
    chownSync(path, OTHER_USER, OTHER_USER);
    expect(await messageFor(transport, "worker1")).not.toContain("manager");
    await turns(5);
    expect(onStream).not.toHaveBeenCalled();
  });
});
