import { startServerManager } from "@ipc/manager";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { temporaryDirectory } from "../../../../internal/testkit/src/temporary-directory.js";
import { IpcProcess, runIpc } from "../../test/ipc-process.js";
import { describeInTerminal, runInTerminal } from "../../test/ipc-terminal.js";

const ANSWERED = z.strictObject({
  at: z.iso.datetime(),
  name: z.string(),
  seq: z.number().int(),
  ok: z.literal(true),
  ms: z.number(),
  remote: z.string(),
  security: z.enum(["plain", "compatible", "secure"]),
  proved: z.array(z.string()),
});
const FAILED = z.strictObject({
  at: z.iso.datetime(),
  name: z.string(),
  seq: z.number().int(),
  ok: z.literal(false),
  code: z.string(),
  message: z.string(),
});

async function serve(options: object = {}): Promise<string> {
  const directory = temporaryDirectory();
  const manager = await startServerManager({ name: "orders", directory, ...options });
  onTestFinished(() => manager.destroy());
  return directory;
}

describe("ipc ping", () => {
  it("prints the time and the security of a server, and exits with 0", async () => {
    const directory = await serve();
    const { code, stdout, stderr } = await runIpc(["ping", "orders", "-d", directory]);
    expect(stdout).toMatch(
      new RegExp(`^${directory}/orders\\.sock: seq=1 time=[\\d.]+ m?s, secure, the server is anonymous\\n$`),
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  it("prints an object for each ping with --json, and goes on after a failure", async () => {
    const directory = await serve();
    const one = await runIpc(["ping", "orders", "-d", directory, "--json"]);
    expect(ANSWERED.parse(JSON.parse(one.stdout))).toMatchObject({ name: "orders", seq: 1, security: "secure" });
    const none = await runIpc(["ping", "absent", "-d", directory, "--json", "-c", "2", "-i", "1ms"]);
    const lines = none.stdout
      .trim()
      .split("\n")
      .map((line) => FAILED.parse(JSON.parse(line)));
    expect(lines.map(({ seq, code }) => [seq, code])).toEqual([
      [1, "IPC_NO_SERVER"],
      [2, "IPC_NO_SERVER"],
    ]);
    expect({ code: none.code, stderr: none.stderr }).toEqual({ code: 3, stderr: "absent: 2 pings, 0 answered\n" });
  });

  it("exits with 3 and says why without a server", async () => {
    const directory = temporaryDirectory();
    expect(await runIpc(["ping", "orders", "-d", directory])).toEqual({
      code: 3,
      stdout: "",
      stderr: `error: no server listens at ${directory}/orders.sock (ENOENT); start it, or check that both sides name the same name and directory (IPC_NO_SERVER)\n`,
    });
  });

  it("exits with 2 at the first ping for a wrong option, whatever --count says", async () => {
    const { code, stdout, stderr } = await runIpc(["ping", "orders", "-c", "1000", "--psk-file", "/nowhere/psk"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^error: --psk-file: ENOENT.*\n$/);
  });

  it("prints the summary on SIGINT, and exits with 130", async () => {
    const directory = await serve();
    const ipc = new IpcProcess(["ping", "orders", "-d", directory, "-c", "1000000", "-i", "1m"]);
    await ipc.line();
    ipc.child.kill("SIGINT");
    const { code, stderr } = await ipc.outcome;
    expect(stderr).toMatch(/^orders: 1 pings, 1 answered, least .*\n$/);
    expect(code).toBe(130);
  });
});

describeInTerminal("ipc ping", (columns) => {
  it("prints what it prints in a pipe", async () => {
    const directory = await serve();
    const { code, screen } = await runInTerminal(`ping orders -d ${directory}`, { columns });
    expect(screen.replaceAll("\n", "")).toMatch(
      new RegExp(`^${directory}/orders\\.sock: seq=1 time=[\\d.]+ m?s, secure, the server is anonymous$`),
    );
    expect(code).toBe(0);
  });
});
