import { once } from "node:events";
import { connect as connectSocket } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { startClient } from "@ipc/client";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { eventually } from "../../../../internal/testkit/src/eventually.js";
import { temporaryDirectory } from "../../../../internal/testkit/src/temporary-directory.js";
import { IpcProcess } from "../../test/ipc-process.js";

const MESSAGE = z.strictObject({
  at: z.iso.datetime(),
  name: z.literal("orders"),
  direction: z.enum(["in", "out"]),
  client: z.int().positive(),
  type: z.int().positive(),
  bytes: z.int().nonnegative(),
  text: z.string(),
});

/** Starts `ipc serve` and resolves when it listens. */
async function serve(...args: readonly string[]): Promise<{ ipc: IpcProcess; directory: string }> {
  const directory = temporaryDirectory();
  const ipc = new IpcProcess(["serve", "orders", "-d", directory, ...args]);
  await ipc.complaint("listening at ");
  return { ipc, directory };
}

async function connect(directory: string) {
  const client = await startClient({ name: "orders", directory, retry: false });
  onTestFinished(() => client.destroy());
  return client;
}

async function answer(client: Awaited<ReturnType<typeof connect>>): Promise<string> {
  for await (const message of client) return `${message.type} ${message.text()}`;
  throw new Error("the server has closed the connection");
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("ipc serve", () => {
  it("prints what clients send, answers with --echo, and ends after --count messages", async () => {
    const { ipc, directory } = await serve("--echo", "--json", "-n", "2");
    const client = await connect(directory);
    await client.write(5, "one");
    expect(await answer(client)).toBe("5 one");
    await client.write(6, "two");
    expect(await answer(client)).toBe("6 two");
    const { code, stdout } = await ipc.outcome;
    const printed = stdout
      .trim()
      .split("\n")
      .map((line) => MESSAGE.parse(JSON.parse(line)));
    expect(printed.map(({ direction, type, text }) => [direction, type, text])).toEqual([
      ["in", 5, "one"],
      ["out", 5, "one"],
      ["in", 6, "two"],
      ["out", 6, "two"],
    ]);
    expect(code).toBe(0);
  });

  it("prints only what arrives with --raw", async () => {
    const { ipc, directory } = await serve("--echo", "--raw", "-n", "1");
    const client = await connect(directory);
    await client.write(5, "one");
    expect(await answer(client)).toBe("5 one");
    expect(await ipc.outcome).toMatchObject({ code: 0, stdout: "one\n" });
  });

  it("answers with what a command prints, goes on when it fails, and survives clients that break the protocol", async () => {
    const { ipc, directory } = await serve(
      "-t",
      "9",
      "--",
      "sh",
      "-c",
      'read -r line; [ "$line" != fail ] && echo "got $line"',
    );
    const client = await connect(directory);
    await client.write(1, "fail\n");
    await client.write(1, "x\n");
    expect(await answer(client)).toBe("9 got x\n");
    client.destroy();
    await ipc.complaint("client 1 disconnected");
    connectSocket(join(directory, "orders.sock"))
      .on("error", () => {})
      .end("GET / HTTP/1.1\r\n\r\n".repeat(100));
    await ipc.complaint("refused a client: ");
    const other = await connect(directory);
    await other.write(1, "y\n");
    expect(await answer(other)).toBe("9 got y\n");
    ipc.child.kill("SIGTERM");
    const { code, stderr } = await ipc.outcome;
    expect(stderr).toContain("sh: ended with 1\n");
    expect(code).toBe(143);
  });

  it.each([
    ["SIGINT", 1],
    ["a second SIGINT at once", 2],
  ])("ends its commands and what they have started, on %s, also those that ignore SIGTERM", async (_what, signals) => {
    const { ipc, directory } = await serve(
      "--raw",
      "--",
      "sh",
      "-c",
      "trap '' TERM; sleep 1000 & echo $! >&2; echo $$ >&2; wait; sleep 1000",
    );
    const client = await connect(directory);
    await client.write(1, "x");
    const pids = await eventually(() => {
      const found = ipc.stderr.match(/^\d+$/gm) ?? [];
      if (found.length < 2) throw new Error("the command has not started");
      return found.map(Number);
    });
    expect(pids.map(isAlive)).toEqual([true, true]);
    ipc.child.kill("SIGINT");
    if (signals === 2) {
      await ipc.complaint("1 messages");
      ipc.child.kill("SIGINT");
    }
    expect((await ipc.outcome).code).toBe(130);
    // A second signal waits for nothing, and so the connections are not closed.
    expect(ipc.stderr.includes("client 1 disconnected")).toBe(signals === 1);
    await eventually(() => expect(pids.map(isAlive)).toEqual([false, false]));
  });

  it("ends at one SIGTERM while nothing reads its output, and prints its summary", async () => {
    const { ipc, directory } = await serve("--raw");
    const client = await connect(directory);
    ipc.child.stdout.pause();
    const message = Buffer.alloc(65_536, "x");
    // Until every buffer on the way is full. The command must end too if it still prints.
    const full = new AbortController();
    for (let isFull = false; !isFull; ) {
      const taken = client.write(1, message, { signal: full.signal }).then(() => false);
      taken.catch(() => {});
      isFull = await Promise.race([taken, pause(500, true)]);
    }
    full.abort();
    ipc.child.kill("SIGTERM");
    await once(ipc.child, "exit");
    ipc.child.stdout.resume();
    const { code, stderr } = await ipc.outcome;
    expect(stderr).toMatch(/^\d+ messages$/m);
    expect(code).toBe(143);
  });

  it("exits with 4 when the name is taken", async () => {
    const { directory } = await serve();
    const second = new IpcProcess(["serve", "orders", "-d", directory]);
    const { code, stderr } = await second.outcome;
    expect(stderr).toMatch(/\(IPC_ADDRESS_IN_USE\)\n$/);
    expect(code).toBe(4);
  });
});
