import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { type Client, startClient } from "@ipc/client";
import { startServerManager } from "@ipc/manager";
import { type Server, type ServerOptions, startServer } from "@ipc/server";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { failureOf, readUntil } from "../../../testkit/src/peer-watch.js";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../../testkit/src/until-test-ends.js";
import { Place } from "../process/place.js";
import { NAME, SOCKET, startOwner } from "./owner.js";

// What is broken in how golang-ipc treats socket files, by the numbers of our list of its defects; each is a thing that ours does
// not do. Row 4 is beside the other rows on its pool.

const name = NAME;
const STARTS: readonly [string, (options: ServerOptions) => Promise<{ close(): Promise<void>; destroy(): void }>][] = [
  ["a server", startServer],
  ["a manager", startServerManager],
];

async function served(directory: string): Promise<{ server: Server; client: Client }> {
  const server = untilTestEnds(await startServer({ name, directory }));
  const client = untilTestEnds(await startClient({ name, directory }));
  return { server, client };
}

async function expectHeard(server: Server, client: Client, text: string): Promise<void> {
  await client.write(1, text);
  await readUntil(server, text);
}

describe("row 1: a name leaves the directory, and what has the socket's name is deleted, with all that is in it", () => {
  it.each([...STARTS, ["a client", startClient] as const])(
    "%s takes no name that leaves the directory",
    async (_peer, start) => {
      const directory = join(temporaryDirectory(), "run");
      for (const wrong of ["../x", "..", "/x", "x/../../y"]) {
        expect(await failureOf(start({ name: wrong, directory }))).toMatchObject({ code: "IPC_NAME_INVALID" });
      }
      expect(readdirSync(join(directory, ".."))).toEqual([]);
    },
  );

  describe.each(STARTS)("%s is told that the address is in use, and leaves", (_peer, start) => {
    it.each([
      ["a directory", (path: string) => mkdirSync(path)],
      ["a plain file", (path: string) => writeFileSync(path, "precious")],
      ["a symbolic link", (path: string) => symlinkSync("precious", path)],
    ])("%s with the socket's name, and what is in it", async (_what, make) => {
      const directory = temporaryDirectory();
      const path = join(directory, SOCKET);
      writeFileSync(join(directory, "precious"), "precious");
      make(path);
      const within = statSync(path).isDirectory() ? join(path, "precious") : path;
      writeFileSync(within, "precious");
      expect(await failureOf(start({ name, directory }))).toMatchObject({ code: "IPC_ADDRESS_IN_USE" });
      expect(readdirSync(directory)).toEqual([SOCKET, "precious"]);
      expect(readFileSync(within, "utf8")).toBe("precious");
    });
  });
});

describe("row 2: a second server takes a live server's path, and no process is told", () => {
  it.each(STARTS)(
    "%s is told that the address is in use, and the first server's client does not notice",
    async (_peer, start) => {
      const directory = temporaryDirectory();
      const { server, client } = await served(directory);
      expect(await failureOf(start({ name, directory }))).toMatchObject({ code: "IPC_ADDRESS_IN_USE" });
      expect(readdirSync(directory)).toEqual([SOCKET]);
      await expectHeard(server, client, "still here");
      expect(client.stats.reconnects).toBe(0);
    },
  );

  it("a live server of another process keeps its path and serves on", async () => {
    await Place.lend(async (place) => {
      const owner = await startOwner(place);
      expect(await owner.call("listen")).toBe("ok");
      for (const [, start] of STARTS) {
        expect(await failureOf(start({ name, directory: place.directory }))).toMatchObject({
          code: "IPC_ADDRESS_IN_USE",
        });
      }
      place.assertHolds(SOCKET);
      expect(await owner.call("dial")).toBe("ok");
      await owner.call("close");
      await owner.end();
    });
  });
});

describe("row 3: the old owner's close deletes the new owner's socket", () => {
  it.each(STARTS)(
    "%s that closes leaves the socket of the server that took over, which serves on",
    async (_peer, start) => {
      const directory = temporaryDirectory();
      const old = untilTestEnds(await start({ name, directory }));
      // As golang-ipc takes over.
      rmSync(join(directory, SOCKET));
      const server = untilTestEnds(await startServer({ name, directory }));
      await old.close();
      expect(readdirSync(directory)).toEqual([SOCKET]);
      const client = untilTestEnds(await startClient({ name, directory }));
      await expectHeard(server, client, "hello");
      await client.close();
      await server.close();
      expect(readdirSync(directory)).toEqual([]);
    },
  );
});

describe("row 5: the umask of the whole process is 0 while a server starts, and for good when that fails", () => {
  it.each(STARTS)("%s never touches it, whether its start succeeds or not", async (_peer, start) => {
    const directory = temporaryDirectory();
    const elsewhere = temporaryDirectory();
    const before = process.umask(0o027);
    onTestFinished(() => void process.umask(before));
    const umask = vi.spyOn(process, "umask");
    onTestFinished(() => umask.mockRestore());
    // By threads, which make files also while this one is busy with the start.
    const modes = new Set<number>();
    let isOver = false;
    const makeFiles = async (lane: number): Promise<void> => {
      for (let file = 0; !isOver; file++) {
        const made = await open(join(elsewhere, `${lane}-${file}`), "wx", 0o666);
        modes.add((await made.stat()).mode & 0o777);
        await made.close();
      }
    };
    const making = Promise.all([makeFiles(0), makeFiles(1)]);

    const options = { name, directory, unmaskPermissions: true };
    const server = untilTestEnds(await start(options));
    expect(statSync(join(directory, SOCKET)).mode & 0o777).toBe(0o777);
    expect(await failureOf(start(options))).toMatchObject({ code: "IPC_ADDRESS_IN_USE" });
    await server.close();
    isOver = true;
    await making;
    expect([...modes]).toEqual([0o640]);
    expect(umask).not.toHaveBeenCalled();
    expect(process.umask()).toBe(0o027);
  });
});

describe("row 6: a path that is too long is cut, or fails without a word", () => {
  const most = process.platform === "linux" ? 107 : 103;

  /** A directory in which a socket of this name has a path of so many bytes. */
  async function directoryFor(socket: string, bytes: number): Promise<string> {
    const parent = temporaryDirectory();
    const directory = join(parent, "d".repeat(bytes - Buffer.byteLength(join(parent, "/", socket)) - 1));
    await mkdir(directory);
    return directory;
  }

  it("a path at the limit is served, and the file is there under its whole name", async () => {
    const directory = await directoryFor(SOCKET, most);
    const { server, client } = await served(directory);
    expect(server.address).toHaveLength(most);
    expect(readdirSync(directory)).toEqual([SOCKET]);
    await expectHeard(server, client, "hello");
    await client.close();
    await server.close();
  });

  it.each([
    ["a server", SOCKET, startServer],
    ["a client", SOCKET, startClient],
    ["a manager", SOCKET, startServerManager],
    ["a manager, for its second endpoint,", `${NAME}_manager.sock`, startServerManager],
  ])("%s is told of one byte more, and nothing is made", async (_peer, socket, start) => {
    const directory = await directoryFor(socket, most + 1);
    expect(await failureOf(start({ name, directory }))).toMatchObject({
      code: "IPC_PATH_TOO_LONG",
      message: expect.stringContaining(`${most + 1} bytes`),
    });
    expect(readdirSync(directory)).toEqual([]);
  });
});
