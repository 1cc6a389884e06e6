import { startServerManager } from "@ipc/manager";
import { nats } from "@ipc/transport-nats";
import { expect, it, onTestFinished } from "vitest";
import { IpcProcess, runIpc } from "../../../packages/cli/test/ipc-process.js";
import { connectTo, describeWithBroker, startBroker } from "../../../packages/transport-nats/test/with-broker.js";

describeWithBroker("ipc with --nats", (natsServer) => {
  it("uses a server behind a broker, and serves clients behind one", async () => {
    const broker = await startBroker(natsServer);
    const transport = nats(await connectTo(broker.url), { allowAnonymous: true });
    const manager = await startServerManager({ name: "orders", transport });
    onTestFinished(() => manager.destroy());
    manager.on("connection", async (peer) => {
      for await (const message of peer) await message.reply(2, "got it");
    });
    const at = ["--nats", broker.url];
    const sent = await runIpc(["send", "orders", "hello", ...at, "--wait", "1"]);
    expect(sent).toEqual({ code: 0, stdout: "type 2, 6 bytes: got it\n", stderr: "" });

    const stand = new IpcProcess(["serve", "other", ...at, "--echo", "-n", "1", "--raw"]);
    await stand.complaint("listening at nats:other");
    expect((await runIpc(["send", "other", "x", ...at, "--wait", "1", "--raw"])).stdout).toBe("x\n");
    expect(await stand.outcome).toMatchObject({ code: 0, stdout: "x\n" });
  });
});
