import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startClient, type Transport, tcp, unixSocket } from "@ipc/client";
import { describe, expect, it, onTestFinished } from "vitest";
import { readData } from "../../testkit/src/peer-watch.js";
import { temporaryDirectory } from "../../testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../testkit/src/until-test-ends.js";

const HERE = dirname(fileURLToPath(import.meta.url));

const SERVICE = `
  import { inherited, startServer } from "@ipc/server";
  const transport = inherited({ fd: 3 });
  const server = await startServer({ name: "orders", transport });
  const again = await startServer({ name: "orders", transport }).catch((error) => error.code);
  console.log(JSON.stringify({ pid: process.pid, address: server.address, again }));
  for await (const message of server) await server.write(2, message.data);`;

/** Starts a supervisor that listens, passes the socket to a service as descriptor 3, and is killed. */
async function supervise(place: string | number): Promise<{ readonly port: number; readonly service: unknown }> {
  const supervisor = spawn(
    process.execPath,
    [
      "--input-type=module",
      "--eval",
      `import { execFile, spawn } from "node:child_process";
      import { createServer } from "node:net";
      const server = createServer().listen(${JSON.stringify(place)}, () => {
        console.log(server.address().port ?? 0);
        const program = ["--input-type=module", "--eval", ${JSON.stringify(SERVICE)}];
        spawn(process.execPath, program, { stdio: ["ignore", "inherit", "inherit", server._handle.fd] });
        process.kill(process.pid, "SIGKILL");
      });`,
    ],
    { cwd: HERE, stdio: ["ignore", "pipe", "inherit"] },
  );
  let output = "";
  supervisor.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  while (output.split("\n").length < 3) await once(supervisor.stdout, "data");
  const [port, service] = output.split("\n");
  const { pid, ...rest } = JSON.parse(service ?? "");
  onTestFinished(() => void process.kill(pid, "SIGKILL"));
  return { port: Number(port), service: rest };
}

describe("a server at a socket that a supervisor has opened", () => {
  it.each([
    [
      "unix socket",
      () => join(temporaryDirectory(), "orders.sock"),
      (path: string | number) => unixSocket({ directory: dirname(String(path)) }),
    ],
    ["TCP socket", () => 0, (_path: string | number, port: number) => tcp({ port })],
  ] satisfies [string, () => string | number, (path: string | number, port: number) => Transport][])(
    "serves clients, and listens once: %s",
    async (_what, placeOf, dial) => {
      const place: string | number = placeOf();
      const { port, service } = await supervise(place);
      expect(service).toEqual({ address: "descriptor 3", again: "IPC_ADDRESS_IN_USE" });
      const transport = dial(place, port);
      const client = untilTestEnds(await startClient({ name: "orders", transport }));
      await client.write(1, "hello");
      expect((await readData(client)).text()).toBe("hello");
      if (typeof place === "string") expect(existsSync(place)).toBe(true);
    },
  );
});

it("a cluster worker whose name another worker has fails, and its error names the manager", async () => {
  const program = fileURLToPath(new URL("../test/cluster.mjs", import.meta.url));
  const env = { ...process.env, XDG_RUNTIME_DIR: temporaryDirectory() };
  const { stdout } = await promisify(execFile)(process.execPath, [program], { env });
  expect(JSON.parse(stdout)).toEqual([
    "up",
    expect.stringMatching(/^IPC_ADDRESS_IN_USE .*worker of a cluster.*startServerManager/),
  ]);
});
