import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { tcp } from "@ipc/manager";
import { describe, expect, it, onTestFinished } from "vitest";
import { runIpc } from "../../test/ipc-process.js";
import { NO_OPTIONS } from "../../test/no-options.js";
import { manageOrders } from "../../test/orders-server.js";
import { openAddress } from "./address.js";
import { withoutSecrets } from "./security-text.js";

describe("an address", () => {
  it("is a host and a port with --tcp", async () => {
    const { manager } = await manageOrders({ transport: tcp({ host: "127.0.0.1", port: 0 }) });
    const { code, stdout } = await runIpc(["ping", "orders", "--tcp", manager.address]);
    expect(stdout).toMatch(new RegExp(`^${manager.address}: seq=1 .* secure, the server is anonymous\\n$`));
    expect(code).toBe(0);
  });

  it.each([
    [{ tcp: "x" }, '--tcp takes HOST:PORT, such as 127.0.0.1:7000 or [::1]:7000, got "x"'],
    [{ tcp: "x:65536" }, '--tcp takes HOST:PORT, such as 127.0.0.1:7000 or [::1]:7000, got "x:65536"'],
    [{ tcp: "x:1", directory: "/tmp" }, "--directory and --tcp exclude each other; give one of them"],
  ])("is rejected: %j", async (given, message) => {
    await expect(openAddress({ ...NO_OPTIONS, ...given })).rejects.toMatchObject({ exitCode: 2, message });
  });

  it("of a broker that is not there is no server", async () => {
    const { code, stderr } = await runIpc(["ping", "orders", "--nats", "127.0.0.1:1"]);
    expect(stderr).toMatch(
      /^error: cannot connect to the broker at 127\.0\.0\.1:1: .*; check --nats \(IPC_TRANSPORT_FAILED\)\n$/,
    );
    expect(code).toBe(3);
  });

  it("of a broker that rejects the user is refused, and the password is not printed", async () => {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.write('INFO {"server_id":"x","version":"2.10.0","max_payload":1048576,"auth_required":true}\r\n');
      socket.once("data", () => void socket.end("-ERR 'Authorization Violation'\r\n"));
    }).listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const { code, stderr } = await runIpc(["ping", "orders", "--nats", `nats://me:hunter2@127.0.0.1:${port}`]);
    expect(stderr).toBe(
      `error: the broker at nats://127.0.0.1:${port} rejects this user: Authorization Violation; check the user and the password in --nats (IPC_PERMISSION_DENIED)\n`,
    );
    expect(code).toBe(4);
  });

  it.each([
    ["nats://me:p@ss/word@host:4222", "nats://host:4222"],
    ["token@host", "host"],
    ["host:4222", "host:4222"],
    ["tls://host", "tls://host"],
  ])("is printed without secrets: %s as %s", (url, shown) => {
    expect(withoutSecrets(url)).toBe(shown);
  });
});
