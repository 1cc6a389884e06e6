import { tcp } from "@ipc/manager";
import { nats } from "@ipc/transport-nats";
import { describe, expect, it } from "vitest";
import { connectTo, describeWithBroker, startBroker } from "../../../transport-nats/test/with-broker.js";
import { IpcProcess, runIpc } from "../../test/ipc-process.js";
import { manageOrders } from "../../test/orders-server.js";

describe("an address", () => {
  it("is a host and a port with --tcp", async () => {
    const { manager } = await manageOrders({ transport: tcp({ host: "127.0.0.1", port: 0 }) });
    const { code, stdout } = await runIpc(["ping", "orders", "--tcp", manager.address]);
    expect(stdout).toMatch(new RegExp(`^${manager.address}: seq=1 .* secure, the server is anonymous\\n$`));
    expect(code).toBe(0);
  });

  it.each([
    [["--tcp", "x"], '--tcp takes HOST:PORT, such as 127.0.0.1:7000 or [::1]:7000, got "x"'],
    [["--tcp", "x:65536"], '--tcp takes HOST:PORT, such as 127.0.0.1:7000 or [::1]:7000, got "x:65536"'],
    [["--tcp", "x:1", "-d", "/tmp"], "--directory and --tcp exclude each other; give one of them"],
  ])("is rejected: %j", async (args, complaint) => {
    expect(await runIpc(["ping", "orders", ...args])).toEqual({ code: 2, stdout: "", stderr: `error: ${complaint}\n` });
  });

  it("of a broker that is not there is no server", async () => {
    const { code, stderr } = await runIpc(["ping", "orders", "--nats", "127.0.0.1:1"]);
    expect(stderr).toMatch(
      /^error: cannot connect to the broker at 127\.0\.0\.1:1: .*; check --nats \(IPC_TRANSPORT_FAILED\)\n$/,
    );
    expect(code).toBe(3);
  });
});

describeWithBroker("an address behind a broker", (natsServer) => {
  it("leads to servers, and serves clients", async () => {
    const broker = await startBroker(natsServer);
    const connection = await connectTo(broker.url);
    const { manager } = await manageOrders({ transport: nats(connection, { allowAnonymous: true }) });
    manager.on("connection", async (peer) => {
      for await (const message of peer) await message.reply(2, "got it");
    });
    const at = ["--nats", broker.url];
    const sent = await runIpc(["send", "orders", "hello", ...at, "--wait", "1"]);
    expect(sent).toEqual({ code: 0, stdout: "type 2, 6 bytes: got it\n", stderr: "" });

    const stand = new IpcProcess(["serve", "other", ...at, "--echo", "-n", "1", "--raw"]);
    await stand.complaint("listening at nats:other");
    expect((await runIpc(["send", "other", "x", ...at, "--wait", "1", "--raw"])).stdout).toBe("x\n");
    expect(await stand.outcome).toMatchObject({ code: 0, stdout: "x\nx\n" });
  });
});
