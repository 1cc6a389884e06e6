import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, realpathSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { memory, type Transport, tcp } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import { runModule } from "../../../internal/testkit/src/child-process.js";
import { openFarClient } from "../../../internal/testkit/src/far-client.js";
import { failureOf, nextEvent, readData, readUntil } from "../../../internal/testkit/src/peer-watch.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import { startServer } from "./server.js";

const name = "orders";
const reason = new Error("enough");

describe("startServer", () => {
  it("resolves when it listens, with one socket file that only its user may use", async () => {
    const directory = temporaryDirectory();
    const server = untilTestEnds(await startServer({ name, directory }));
    expect(server).toMatchObject({
      status: "Listening",
      statusCode: 1,
      address: join(directory, "orders.sock"),
      remote: join(directory, "orders.sock"),
      security: { mode: "secure", peer: { psk: false } },
    });
    expect(statSync(server.address).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual(["orders.sock"]);
    await server.close();
    expect(readdirSync(directory)).toEqual([]);
  });

  it("admits every user with unmaskPermissions, and keeps the umask (golang-ipc: row 5, TestUnmask)", async () => {
    const directory = temporaryDirectory();
    const before = process.umask();
    const server = untilTestEnds(await startServer({ name, directory, unmaskPermissions: true }));
    expect(statSync(server.address).mode & 0o777).toBe(0o777);
    expect(process.umask()).toBe(before);
  });

  it("keeps a module behind a symbolic link the same module in Node.js as by its own path", async () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, "own"));
    for (const file of ["a", "b", "c", "d"]) writeFileSync(join(directory, "own", `${file}.mjs`), "");
    symlinkSync("own", join(directory, "link"));
    const program = `
      import { startServer } from "@ipc/server";
      const place = { name: "orders", directory: ${JSON.stringify(directory)} };
      const show = (file) => console.log(import.meta.resolve(${JSON.stringify(join(directory, "link"))} + file));
      show("/a.mjs");
      const server = await startServer(place);
      show("/b.mjs");
      await startServer(place).catch((error) => console.log(error.code));
      show("/c.mjs");
      await server.close();
      show("/d.mjs");
    `;
    const { stdout } = await runModule(
      program,
      fileURLToPath(new URL("../../../internal/conformance", import.meta.url)),
    );
    const own = (file: string): string => pathToFileURL(join(realpathSync(directory), "own", file)).href;
    const said = [own("a.mjs"), own("b.mjs"), "IPC_ADDRESS_IN_USE", own("c.mjs"), own("d.mjs"), ""];
    expect(stdout.split("\n")).toEqual(said);
  });

  it("replaces the socket file of a killed server", async () => {
    const directory = temporaryDirectory();
    const path = join(directory, "orders.sock");
    const die = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
    spawnSync(process.execPath, ["--eval", die]);
    expect(existsSync(path)).toBe(true);
    const server = untilTestEnds(await startServer({ name, directory }));
    await openFarClient(directory, name);
    await readUntil(server, "Connected");
  });

  it("reports the real port when the system chose it", async () => {
    const server = untilTestEnds(await startServer({ name, transport: tcp({ port: 0 }) }));
    expect(server.address).toMatch(/^127\.0\.0\.1:[1-9]\d+$/);
  });
});

describe("startServer rejects with", () => {
  it("IPC_ADDRESS_IN_USE when a server listens already, and leaves that server undisturbed (golang-ipc: row 2)", async () => {
    const directory = temporaryDirectory();
    const first = untilTestEnds(await startServer({ name, directory }));
    const client = await openFarClient(directory, name);
    expect(await failureOf(startServer({ name, directory }))).toMatchObject({
      code: "IPC_ADDRESS_IN_USE",
      message: `a server listens at ${directory}/orders.sock already; stop it, or choose another name or directory`,
    });
    await first.write(1, "still here");
    expect((await readData(client)).text()).toBe("still here");
    expect(readdirSync(directory)).toEqual(["orders.sock"]);
  });

  it("IPC_ADDRESS_IN_USE for all but one of several servers that start at the same time", async () => {
    const directory = temporaryDirectory();
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => startServer({ name, directory })));
    const started = outcomes.filter((outcome) => outcome.status === "fulfilled");
    expect(started.length).toBe(1);
    for (const { value } of started) untilTestEnds(value);
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ code: "IPC_ADDRESS_IN_USE" });
    }
  });

  it.each(["a plain file", "a directory", "a symbolic link"])(
    "IPC_ADDRESS_IN_USE for %s, and keeps it (golang-ipc: row 1)",
    async (what) => {
      const directory = temporaryDirectory();
      const path = join(directory, "orders.sock");
      if (what === "a plain file") writeFileSync(path, "precious");
      else if (what === "a directory") mkdirSync(join(path, "precious"), { recursive: true });
      else symlinkSync("/nowhere", path);
      expect(await failureOf(startServer({ name, directory }))).toMatchObject({
        code: "IPC_ADDRESS_IN_USE",
        message: expect.stringContaining(`${path} is ${what}, not a socket, and is never deleted`),
      });
      const left = what === "a directory" ? ["orders.sock", "orders.sock/precious"] : ["orders.sock"];
      expect(readdirSync(directory, { recursive: true })).toEqual(left);
    },
  );

  it("IPC_ADDRESS_IN_USE in a memory() transport and on a port", async () => {
    const transport = memory();
    untilTestEnds(await startServer({ name, transport }));
    expect(await failureOf(startServer({ name, transport }))).toMatchObject({ code: "IPC_ADDRESS_IN_USE" });
    const server = untilTestEnds(await startServer({ name, transport: tcp({ port: 0 }) }));
    const port = Number(server.address.split(":")[1]);
    expect(await failureOf(startServer({ name, transport: tcp({ port }) }))).toMatchObject({
      code: "IPC_ADDRESS_IN_USE",
    });
  });

  it("IPC_PATH_TOO_LONG for a path that Node.js would truncate (golang-ipc: row 6)", async () => {
    const directory = join(temporaryDirectory(), "d".repeat(100));
    expect(await failureOf(startServer({ name, directory }))).toMatchObject({
      code: "IPC_PATH_TOO_LONG",
      message: expect.stringContaining("use a shorter `directory` or name"),
    });
    expect(existsSync(directory)).toBe(false);
  });

  it("AbortError, the signal's reason as its cause, before, during and right after listening", async () => {
    const aborted = { code: "IPC_ABORTED", name: "AbortError", cause: reason };
    const directory = temporaryDirectory();
    expect(await failureOf(startServer({ name, directory, signal: AbortSignal.abort(reason) }))).toMatchObject(aborted);

    const during = new AbortController();
    const starting = failureOf(startServer({ name, directory, signal: during.signal }));
    during.abort(reason);
    expect(await starting).toMatchObject(aborted);
    expect(readdirSync(directory)).toEqual([]);

    const after = new AbortController();
    const world = memory();
    const transport: Transport = {
      ...world,
      async listen(...given) {
        const listener = await world.listen(...given);
        after.abort(reason);
        return listener;
      },
    };
    expect(await failureOf(startServer({ name, transport, signal: after.signal }))).toMatchObject(aborted);
    // It has let go of the address.
    untilTestEnds(await startServer({ name, transport: world }));
  });
});

describe("the option signal", () => {
  it("destroys a listening server and its connection when the signal is aborted", async () => {
    const directory = temporaryDirectory();
    const controller = new AbortController();
    const server = untilTestEnds(await startServer({ name, directory, signal: controller.signal }));
    const client = await openFarClient(directory, name);
    await readUntil(server, "Connected");
    const gone = nextEvent(client, "close");
    const reads = [server.read(), server.read()];
    controller.abort(reason);
    expect(await Promise.allSettled(reads)).toMatchObject([
      { value: { status: "Closed" } },
      { reason: { code: "IPC_CLOSED", cause: reason } },
    ]);
    await gone;
    expect(readdirSync(directory)).toEqual([]);
  });
});
