import { once } from "node:events";
import { chownSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { isRoot, leaveKilledServer, leaveStaleSocket, OTHER_USER, scratchDirectory } from "../../test/scratch.js";
import { removeStaleSockets, type StaleSocketOptions } from "./stale-sockets.js";
import { unixSocket } from "./unix-socket.js";

describe("removeStaleSockets", () => {
  test("removes the sockets of killed servers, and returns their paths", async () => {
    const directory = scratchDirectory();
    const paths = ["run-1.sock", "run-1_manager.sock", "run-2.sock"].map((name) => join(directory, name));
    for (const path of paths) await leaveKilledServer(path);
    expect(await removeStaleSockets({ directory, prefix: "run-" })).toEqual(paths);
    expect(readdirSync(directory)).toEqual([]);
  });

  test("leaves sockets of other names, of live servers, and files that are not sockets", async () => {
    const directory = scratchDirectory();
    const transport = unixSocket({ directory });
    const listener = await transport.listen("run-live", { kind: "name" }, () => {}, {});
    const foreign = createServer().listen(join(directory, "run-foreign.sock"));
    await once(foreign, "listening");
    onTestFinished(async () => {
      foreign.close();
      await listener.close();
    });
    await leaveStaleSocket(join(directory, "other.sock"));
    await leaveStaleSocket(join(directory, "run-1"));
    writeFileSync(join(directory, "run-2.sock"), "precious");
    expect(await removeStaleSockets({ directory, prefix: "run-" })).toEqual([]);
    const all = ["other.sock", "run-1", "run-2.sock", "run-foreign.sock", "run-live.sock"];
    expect(readdirSync(directory)).toEqual(all);
  });

  test.runIf(isRoot)("leaves the stale socket of another user", async () => {
    const directory = scratchDirectory();
    const path = join(directory, "run-1.sock");
    await leaveStaleSocket(path);
    chownSync(path, OTHER_USER, OTHER_USER);
    expect(await removeStaleSockets({ directory, prefix: "run-" })).toEqual([]);
    expect(readdirSync(directory)).toEqual(["run-1.sock"]);
  });

  test("returns nothing when the directory does not exist", async () => {
    expect(await removeStaleSockets({ directory: join(scratchDirectory(), "none"), prefix: "a" })).toEqual([]);
  });

  test("rejects with the reason when the path is not a directory", async () => {
    const directory = join(scratchDirectory(), "file");
    writeFileSync(directory, "");
    await expect(removeStaleSockets({ directory, prefix: "a" })).rejects.toMatchObject({
      code: "IPC_TRANSPORT_FAILED",
      message: expect.stringMatching(/^removing sockets from .*file failed: ENOTDIR/),
    });
  });

  test("rejects with IPC_ABORTED when its signal is aborted, and removes nothing", async () => {
    const directory = scratchDirectory();
    await leaveStaleSocket(join(directory, "run-1.sock"));
    const signal = AbortSignal.abort("enough");
    await expect(removeStaleSockets({ directory, prefix: "run-", signal })).rejects.toMatchObject({
      code: "IPC_ABORTED",
    });
    expect(readdirSync(directory)).toEqual(["run-1.sock"]);
  });

  test.each([
    [{}, "`prefix`"],
    [{ prefix: "" }, "`prefix`"],
    [{ prefix: "a", directory: "" }, "`directory`"],
    [{ prefix: "a", name: "b" }, "removeStaleSockets() takes the options"],
  ])("rejects %j with a TypeError", async (options, message) => {
    const removing = removeStaleSockets(options as StaleSocketOptions);
    await expect(removing).rejects.toThrow(TypeError);
    await expect(removing).rejects.toThrow(message);
  });
});
