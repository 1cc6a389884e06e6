import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { type Client, childProcess, type IpcError, startClient } from "@ipc/client";
import { type Server, startServer } from "@ipc/server";
import { describe, expect, it, onTestFinished } from "vitest";
import { runModule } from "../../testkit/src/child-process.js";
import { eventually } from "../../testkit/src/eventually.js";
import { readData, readUntil } from "../../testkit/src/peer-watch.js";
import { untilTestEnds } from "../../testkit/src/until-test-ends.js";

const HERE = dirname(fileURLToPath(import.meta.url));

/** The start of a child counts as part of the handshake, and here it shares its cores. */
const PATIENT = { name: "orders", handshakeTimeoutMs: 20_000 };

const CHILD = `
  import { parentProcess, startServer } from "@ipc/server";
  const options = ${JSON.stringify(PATIENT)};`;

const ECHO = `${CHILD}
  const server = await startServer({ ...options, transport: parentProcess() });
  for await (const message of server) await server.write(message.type, message.data);`;

function start(text: string): ChildProcess {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", text], {
    cwd: HERE,
    stdio: ["ignore", "inherit", "inherit", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

async function clientOf(child: ChildProcess): Promise<Client> {
  return untilTestEnds(await startClient({ ...PATIENT, transport: childProcess(child) }));
}

async function serverOf(child: ChildProcess): Promise<Server> {
  return untilTestEnds(await startServer({ ...PATIENT, transport: childProcess(child) }));
}

/** Ends the test's wait when the process has ended, which may already be so. */
async function endOf(child: ChildProcess): Promise<number | string | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return child.signalCode ?? child.exitCode;
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe("a child process as the server", () => {
  it("answers 1 MiB over a secure connection, and ends by itself when its client closes", async () => {
    const child = start(ECHO);
    const client = await clientOf(child);
    expect(client.security.mode).toBe("secure");
    const data = Buffer.alloc(1_048_576, "x");
    await client.write(7, data);
    const answer = await readData(client);
    expect(data.equals(answer.data)).toBe(true);
    await client.close();
    expect(await endOf(child)).toBe(0);
  });

  it("that is killed is lost, and its client ends with IPC_PEER_GONE", async () => {
    const child = start(ECHO);
    const client = await clientOf(child);
    const lost: string[] = [];
    client.on("lost", (error: IpcError) => lost.push(error.code));
    await client.write(1, "there");
    await readData(client);
    child.kill("SIGKILL");
    await expect(readUntil(client, "never")).rejects.toMatchObject({
      code: "IPC_PEER_GONE",
      message: expect.stringMatching(/; start a new child process/),
    });
    expect(lost).toEqual(["IPC_CONNECTION_LOST"]);
    expect(client.status).toBe("Error");
  });

  it("that ends before it serves fails the start with IPC_PEER_GONE and the exit code", async () => {
    const child = start("process.exit(3)");
    await endOf(child);
    await expect(clientOf(child)).rejects.toMatchObject({
      code: "IPC_PEER_GONE",
      message: expect.stringMatching(/^child process \d+ has ended \(exit code 3\)/),
    });
  });

  it("that does not exist fails the start with IPC_PEER_GONE", async () => {
    const child = spawn("/no/such/program", { stdio: ["ignore", "ignore", "ignore", "pipe"] });
    const failed = once(child, "error");
    const starting = startClient({ ...PATIENT, transport: childProcess(child) });
    await expect(starting).rejects.toMatchObject({
      code: "IPC_PEER_GONE",
      message: expect.stringMatching(/^the child process did not start/),
    });
    await failed;
  });

  it("has one client: a second is told so", async () => {
    const child = start(ECHO);
    const transport = childProcess(child);
    untilTestEnds(await startClient({ ...PATIENT, transport }));
    await expect(startClient({ ...PATIENT, transport })).rejects.toMatchObject({ code: "IPC_ADDRESS_IN_USE" });
  });
});

describe("a child process as the client", () => {
  it("that writes and exits at once has its messages read, and its server closes", async () => {
    const child = start(`
      import { parentProcess, startClient } from "@ipc/client";
      const client = await startClient({ ...${JSON.stringify(PATIENT)}, transport: parentProcess() });
      await client.write(1, "x".repeat(1_048_576));
      await client.write(2, "last");
      await client.close();
      process.exit();`);
    const server = await serverOf(child);
    const types: number[] = [];
    for await (const message of server) {
      await endOf(child);
      types.push(message.type);
    }
    expect(types).toEqual([1, 2]);
    expect(server.status).toBe("Closed");
  });

  it("that never connects closes its server when it ends", async () => {
    const child = start("process.exit()");
    const server = await serverOf(child);
    await eventually(() => expect(server.status).toBe("Closed"));
  });
});

/** Starts a parent that starts a child with this module, prints the child's process id, and waits; returns both ids. */
async function startFamily(childText: string): Promise<{ readonly parent: ChildProcess; readonly childId: number }> {
  const parent = spawn(
    process.execPath,
    [
      "--input-type=module",
      "--eval",
      `import { spawn } from "node:child_process";
      import { childProcess, startClient } from "@ipc/client";
      const child = spawn(process.execPath, ["--input-type=module", "--eval", ${JSON.stringify(childText)}], {
        stdio: ["ignore", "ignore", "inherit", "pipe"],
      });
      const client = await startClient({ ...${JSON.stringify(PATIENT)}, transport: childProcess(child) });
      process.stdout.write(String(child.pid));`,
    ],
    { cwd: HERE, stdio: ["ignore", "pipe", "inherit"] },
  );
  onTestFinished(() => void parent.kill("SIGKILL"));
  const [text] = await once(parent.stdout, "data");
  const childId = Number(String(text));
  onTestFinished(() => {
    if (isAlive(childId)) process.kill(childId, "SIGKILL");
  });
  return { parent, childId };
}

describe("a child whose parent is killed", () => {
  it.each([
    ["ends when nothing else keeps it alive", ECHO],
    [
      "and that has other work ends with `endWithParent`",
      `${CHILD}
      setInterval(() => {}, 1_000);
      await startServer({ ...options, transport: parentProcess({ endWithParent: true }) });`,
    ],
  ])("%s", async (_what, text) => {
    const { parent, childId } = await startFamily(text);
    expect(isAlive(childId)).toBe(true);
    parent.kill("SIGKILL");
    await eventually(() => expect(isAlive(childId)).toBe(false));
  });
});

describe("a process with a child", () => {
  it.skipIf(process.platform !== "linux")(
    "ends by itself when its children have, and has no descriptor left",
    async () => {
      const outcome = await runModule(
        `
      import { spawn } from "node:child_process";
      import { once } from "node:events";
      import { readdirSync } from "node:fs";
      import { setImmediate } from "node:timers/promises";
      import { childProcess, startClient } from "@ipc/client";
      process.stdout.write("");
      const descriptors = readdirSync("/proc/self/fd").length;
      for (let round = 0; round < 3; round++) {
        const child = spawn(process.execPath, ["--input-type=module", "--eval", ${JSON.stringify(ECHO)}], {
          stdio: ["ignore", "ignore", "inherit", "pipe"],
        });
        const ended = once(child, "exit");
        const client = await startClient({ ...${JSON.stringify(PATIENT)}, transport: childProcess(child) });
        await client.write(1, "hello");
        while ((await client.read()).kind !== "data");
        await client.close();
        await ended;
      }
      // The process ends, so no handle keeps it alive, and none is left open either.
      await setImmediate();
      await setImmediate();
      const more = readdirSync("/proc/self/fd").length - descriptors;
      if (more > 0) process.stdout.write(\`\${more} descriptors are left\`);`,
        HERE,
      );
      expect(outcome).toEqual({ code: 0, stdout: "", stderr: "" });
    },
  );

  it.each([
    ["no pipe", ["ignore"], "childProcess(): `child.stdio[3]` must be a pipe in both directions, got undefined"],
    ["an ignored descriptor", ["ignore", "ignore", "ignore", "ignore"], "got null"],
  ] as const)("is told how to open the pipe: %s", async (_what, stdio, message) => {
    const child = spawn(process.execPath, ["--eval", ""], { stdio: [...stdio] });
    expect(() => childProcess(child)).toThrow(TypeError);
    expect(() => childProcess(child)).toThrow(message);
    expect(() => childProcess(child)).toThrow('`stdio: ["inherit", "inherit", "inherit", "pipe"]`');
    await endOf(child);
  });
});

it.each([
  ["no descriptor", 60, [], "got EBADF"],
  ["a file", 3, ["ignore"], "got a file of another kind"],
  ["the channel of `process.send`", 3, ["ipc"], "got a file of another kind"],
] as const)("a child that was given %s is told how its parent opens the pipe", async (_what, fd, more, got) => {
  const text = `import { parentProcess } from "@ipc/server";
    try { parentProcess({ fd: ${fd} }); } catch (error) { console.log(error.name, error.message); }
    process.exit();`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", text], {
    cwd: HERE,
    stdio: ["ignore", "pipe", "inherit", ...more],
  });
  let output = "";
  child.stdout?.on("data", (chunk) => {
    output += chunk;
  });
  await once(child, "close");
  expect(output).toContain(`TypeError parentProcess(): descriptor ${fd} must be a pipe in both directions, ${got}; `);
});
