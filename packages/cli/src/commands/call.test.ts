import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { eventually } from "../../../../internal/testkit/src/eventually.js";
import { IpcProcess, runIpc } from "../../test/ipc-process.js";
import { serveOrders } from "../../test/orders-server.js";

describe("ipc call", () => {
  it("prints the result as JSON, on one line with --json", async () => {
    const { at } = await serveOrders();
    const people = await runIpc(["call", "orders", "get", '{"id":7}', ...at]);
    expect(people).toEqual({ code: 0, stdout: '{\n  "id": 7\n}\n', stderr: "" });
    expect((await runIpc(["call", "orders", "get", "-", ...at, "--json"], { input: '{"id":8}' })).stdout).toBe(
      '{"id":8}\n',
    );
  });

  it("exits with 1 and prints code, data and whether the method ran, when the server answers with an error", async () => {
    const { at } = await serveOrders();
    const { code, stdout, stderr } = await runIpc(["call", "orders", "get", '{"id":-1}', ...at]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toBe('error: get: NOT_FOUND: get failed with NOT_FOUND, data {"id":-1}; executed: yes\n');
  });

  it("prints the items of a stream, then its result", async () => {
    const { at } = await serveOrders();
    const { code, stdout } = await runIpc(["call", "orders", "build", '"all"', ...at, "--json"]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '{"step":"all"}\n{"ok":true}\n' });
  });

  it("ends a stream quietly when the reader of its output has gone", async () => {
    const { at, manager } = await serveOrders();
    const ipc = new IpcProcess(["call", "orders", "watch", '{"above":10}', ...at, "--json"]);
    expect([await ipc.line(), await ipc.line()]).toEqual(["11", "12"]);
    ipc.child.stdout.destroy();
    expect(await ipc.outcome).toMatchObject({ code: 0, stderr: "" });
    await eventually(() => expect(manager.connections.size).toBe(0));
  });

  it("gives the lines of stdin as items, and strings to the handler", async () => {
    const { at } = await serveOrders();
    const sum = await runIpc(["call", "orders", "items.sum", ...at, "--items"], { input: "1\n2\n\n3" });
    expect(sum).toEqual({ code: 0, stdout: "6\n", stderr: "" });
    const caller = ["call", "orders", "caller", ...at, "--meta", "other=a", "--meta", "tenant=a=b", "--raw"];
    expect((await runIpc(caller)).stdout).toBe("a=b\n");
  });

  it("awaits the answer from the end of the items on, however long these take", async () => {
    const { at } = await serveOrders();
    const ipc = new IpcProcess(["call", "orders", "items.sum", ...at, "--items", "--timeout", "2s"]);
    ipc.child.stdin.write("1\n");
    await pause(3_000);
    ipc.child.stdin.end("2\n");
    expect(await ipc.outcome).toEqual({ code: 0, stdout: "3\n", stderr: "" });
  });

  it("gives and prints bytes as they are, and as base64 in JSON", async () => {
    const { at } = await serveOrders();
    const input = Uint8Array.of(0xff, 10);
    const echo = ["call", "orders", "echo", "-", ...at, "--bytes"];
    expect((await runIpc([...echo, "--json"], { input })).stdout).toBe('{"base64":"/wo="}\n');
    expect((await runIpc([...echo, "--raw"], { input: "bytes" })).stdout).toBe("bytes");
  });

  it("awaits no answer with --one-way, and exits with 5 when none comes in time", async () => {
    const { at, silentCalls } = await serveOrders();
    expect(await runIpc(["call", "orders", "silent", ...at, "--one-way"])).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(await runIpc(["call", "orders", "silent", ...at, "--timeout", "2s"])).toEqual({
      code: 5,
      stdout: "",
      stderr: "error: silent: no answer and no item within 2.00 s; --timeout sets another time\n",
    });
    expect(silentCalls()).toBe(2);
  });

  it("exits with 2 for an input that is not JSON, before it connects", async () => {
    const { code, stderr } = await runIpc(["call", "orders", "get", "{id:7}", "-d", "/nowhere"]);
    expect(stderr).toMatch(/^error: the input is not JSON: .*; a string needs quotes: '"text"'\n$/);
    expect(code).toBe(2);
  });
});
