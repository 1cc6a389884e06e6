import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { uniqueName } from "../../../../internal/conformance/src/go-peer.js";
import { temporaryDirectory } from "../../../../internal/testkit/src/temporary-directory.js";
import { examine, leaveSocket, serve, serveBytes } from "../../test/doctor-run.js";
import { runIpc } from "../../test/ipc-process.js";
import { describeInTerminal, runInTerminal } from "../../test/ipc-terminal.js";

describe("ipc doctor", () => {
  it("finds nothing wrong with a server, and exits with 0", async () => {
    const directory = await serve();
    const { code, findings } = await examine(["orders", "-d", directory]);
    expect(findings.map(({ check, state }) => [check, state])).toEqual([
      ["path", "ok"],
      ["directory", "ok"],
      ["socket", "ok"],
      ["handshake", "ok"],
    ]);
    expect(findings[2]?.seen).toContain(`process ${process.pid} listens`);
    expect(code).toBe(0);
  });

  it("prints for each finding what was seen, why it matters and what mends it", async () => {
    const directory = temporaryDirectory();
    const name = uniqueName();
    const { code, stdout } = await runIpc(["doctor", name, "-d", directory]);
    expect(stdout.slice(stdout.indexOf("failed"))).toBe(
      `failed  no-server: ${directory}/${name}.sock\n` +
        "        no such file\n" +
        "  why   Clients have nothing to connect to, and get IPC_NO_SERVER.\n" +
        "  mend  start the server, or check that both sides have the same name and directory\n",
    );
    expect(code).toBe(1);
  });

  it("finds the server in the private directory", async () => {
    const directory = temporaryDirectory();
    const name = uniqueName();
    mkdirSync(join(directory, "ipc"));
    await leaveSocket(join(directory, "ipc", `${name}.sock`));
    const { problems } = await examine([name], { env: { XDG_RUNTIME_DIR: directory } });
    expect(problems).toMatchObject([
      { problem: "no-server", mend: `there is one in ${directory}/ipc: -d ${directory}/ipc` },
    ]);
  });

  it("finds the sockets of a directory that are stale, and those whose server listens, without a name", async () => {
    const directory = await serve();
    await leaveSocket(join(directory, "old.sock"));
    const { code, findings, problems } = await examine(["-d", directory]);
    expect(findings.map(({ path }) => path)).toEqual([
      directory,
      join(directory, "old.sock"),
      join(directory, "orders.sock"),
      join(directory, "orders_manager.sock"),
    ]);
    expect(problems).toMatchObject([{ problem: "stale-socket", path: join(directory, "old.sock") }]);
    expect(code).toBe(1);
  });

  it("finds a stale socket", async () => {
    const directory = temporaryDirectory();
    const path = join(directory, "orders.sock");
    await leaveSocket(path);
    const { code, problems } = await examine(["orders", "-d", directory]);
    expect(problems).toMatchObject([{ problem: "stale-socket", mend: expect.stringContaining(`rm ${path}`) }]);
    expect(problems[0]?.seen).toMatch(/^mode 0\d+, owner .*, and no process listens$/);
    expect(code).toBe(1);
  });

  it("finds a socket file that was deleted under a live server", async () => {
    const directory = temporaryDirectory();
    const path = join(directory, "orders.sock");
    await serveBytes(path);
    rmSync(path);
    const { code, problems } = await examine(["orders", "-d", directory]);
    expect(problems).toMatchObject([
      { problem: "socket-removed", path, seen: `no such file, and process ${process.pid} listens under this path` },
    ]);
    expect(code).toBe(1);
  });

  it("finds a directory that others can write", async () => {
    const directory = await serve();
    chmodSync(directory, 0o777);
    const { code, problems } = await examine(["orders", "-d", directory]);
    expect(problems).toMatchObject([
      {
        problem: "writable-directory",
        path: directory,
        seen: expect.stringContaining("mode 0777"),
        mend: expect.stringContaining(`chmod g-w,o-w ${directory}`),
      },
    ]);
    expect(code).toBe(1);
  });

  it("finds a path that is too long", async () => {
    const directory = join(temporaryDirectory(), "d".repeat(90));
    const { code, problems } = await examine(["orders", "-d", directory]);
    const bytes = Buffer.byteLength(join(directory, "orders.sock"));
    expect(problems).toMatchObject([
      { problem: "path-too-long", seen: expect.stringContaining(`${bytes} bytes, limit`) },
    ]);
    expect(code).toBe(1);
  });

  it("finds a file in the place of the socket", async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, "orders.sock"), "");
    const { code, problems } = await examine(["orders", "-d", directory]);
    expect(problems).toMatchObject([{ problem: "name-taken", seen: expect.stringContaining("a plain file") }]);
    expect(code).toBe(1);
  });

  it("finds that a name is a slot of a manager", async () => {
    const directory = await serve();
    const { code, problems } = await examine(["orders12", "-d", directory]);
    expect(problems.map(({ problem }) => problem)).toEqual(["no-server", "slot-of-manager"]);
    expect(problems[1]?.seen).toContain("client 12 of manager orders");
    expect(code).toBe(1);
  });

  it("finds a server without encryption", async () => {
    const directory = await serve({ encryption: false });
    const { code, problems } = await examine(["orders", "-d", directory]);
    expect(problems).toMatchObject([
      { problem: "encryption-mismatch", mend: expect.stringContaining("encryption: false") },
    ]);
    expect(code).toBe(1);
  });

  it("finds a server of another version", async () => {
    const directory = temporaryDirectory();
    await serveBytes(join(directory, "orders.sock"), (socket) => void socket.write(Uint8Array.of(3, 1)));
    const { code, problems } = await examine(["orders", "-d", directory]);
    expect(problems).toMatchObject([
      { problem: "version-mismatch", seen: expect.stringContaining("speaks 3, this client 2") },
    ]);
    expect(code).toBe(1);
  });

  it("finds a key file that is missing, and one that is not private", async () => {
    const directory = temporaryDirectory();
    const path = join(directory, "orders.key");
    const missing = await examine(["orders", "-d", directory, "--key-file", path, "--psk-file", `${path}~`]);
    expect(missing.problems.slice(0, 2)).toMatchObject([
      { problem: "key-missing", path },
      { problem: "key-missing", path: `${path}~`, seen: "no such file" },
    ]);
    writeFileSync(path, new Uint8Array(32).fill(7));
    chmodSync(path, 0o644);
    const open = await examine(["orders", "-d", directory, "--key-file", path, "--psk-file", path]);
    const found = { problem: "key-not-private", path, seen: expect.stringContaining("mode 0644") };
    expect(open.problems.slice(0, 2)).toMatchObject([found, found]);
    expect([missing.code, open.code]).toEqual([1, 1]);
  });

  it("finds a server that demands a key", async () => {
    const directory = await serve({ security: { psk: new Uint8Array(32).fill(7) } });
    const { code, problems } = await examine(["orders", "-d", directory]);
    expect(problems).toMatchObject([
      { problem: "security-mismatch", mend: expect.stringContaining("give this client the key for it") },
    ]);
    expect(code).toBe(1);
  });
});

// The pictures of the documents show it at 80 columns.
describeInTerminal(
  "ipc doctor",
  (columns) => {
    it("prints what it prints in a pipe", async () => {
      const directory = temporaryDirectory();
      const { code, screen } = await runInTerminal(`doctor orders -d ${directory}`, { columns });
      const { stdout, stderr } = await runIpc(["doctor", "orders", "-d", directory]);
      const unwrapped = (text: string): string => text.replaceAll(/\s/g, "");
      expect(unwrapped(screen)).toBe(unwrapped(stdout + stderr));
      expect(code).toBe(1);
    });
  },
  [40],
);
