import { setImmediate as nextTurn } from "node:timers/promises";
import { type Client, startClient } from "@ipc/client";
import { startServerManager } from "@ipc/manager";
import { type Server, startServer } from "@ipc/server";
import { expect, it } from "vitest";
import { describeWithGo } from "./describe-with-go.js";
import { GO_DIRECTORY, GoPeer, uniqueName } from "./go-peer.js";
import { OurEnd } from "./our-end.js";
import { ONE_WAY, type Tally, TallyKeeper, tallyOf } from "./peer-protocol.js";

const directory = GO_DIRECTORY;
const FOREVER_MS = 1_000_000;
/** Messages that the kernel holds for a peer that does not read. */
const RUN = { count: 60, size: 1_000 };
/** Most of the run is still with the kernel when the first message is read. */
const maxUnreadBytes = 1_024;

/** Golang-ipc has given a message to the kernel when it takes the next one. */
async function fillKernel(go: Pick<GoPeer, "send">): Promise<void> {
  expect(await go.send(RUN)).toMatchObject(tallyOf(RUN));
  await go.send({ count: 1, size: 0 });
}

/** Takes messages slowly and sends each back, from the first one on draining. Resolves with what came of the run. */
async function drainSlowly(peer: Client | Server): Promise<Tally> {
  const received = new TallyKeeper();
  let drained: Promise<void> | undefined;
  for await (const message of peer) {
    drained ??= peer.drain({ timeoutMs: FOREVER_MS });
    if (message.data.length === 0) continue;
    received.add(message.data);
    for (let turn = 0; turn < 5; turn++) await nextTurn();
    await message.reply(ONE_WAY, message.data);
  }
  await drained;
  return received.take();
}

for (const encryption of [true, false]) {
  const words = encryption ? "encrypted" : "plain";

  describeWithGo(`draining with golang-ipc at the other end, ${words}`, (goPeer) => {
    it("a server reads all that a Go client has given to the kernel, and its answers reach it before the end", async () => {
      const name = uniqueName();
      await using go = new GoPeer(goPeer, { role: "client", name, encryption });
      {
        await using server = await startServer({ name, directory, encryption, maxUnreadBytes });
        await go.start();
        await fillKernel(go);
        expect(await drainSlowly(server)).toEqual(tallyOf(RUN));
      }
      await go.status("Reconnecting");
      // The Go client comes back to the next server by itself, and tells that one what it had from the first.
      await using next = await startServer({ name, directory, encryption });
      const end = new OurEnd(next);
      await go.status("Connected");
      expect(await end.report()).toMatchObject(tallyOf(RUN));
      expect(go.errors).toEqual([]);
    });

    it("a client reads all that a Go server has given to the kernel, and its answers reach it before the end", async () => {
      const name = uniqueName();
      await using go = new GoPeer(goPeer, { role: "server", name, encryption });
      await go.start();
      const client = await startClient({ name, directory, encryption, maxUnreadBytes });
      await go.status("Connected");
      await fillKernel(go);
      expect(await drainSlowly(client)).toEqual(tallyOf(RUN));
      await go.status("Disconnected");
      await using next = await startClient({ name, directory, encryption });
      expect(await new OurEnd(next).report()).toMatchObject(tallyOf(RUN));
      expect(go.errors).toEqual([]);
    });

    it("a manager reads all that its Go clients have given to the kernel, by either endpoint", async () => {
      const name = uniqueName();
      await using manager = await startServerManager({ name, directory, encryption });
      await using one = new GoPeer(goPeer, { role: "client", name, encryption, multiClient: true });
      await using other = new GoPeer(goPeer, { role: "client", name, encryption });
      await Promise.all([one.start(), other.start()]);
      await Promise.all([fillKernel(one), fillKernel(other)]);
      const received = new Map<number, TallyKeeper>();
      manager.on("message", async ({ id }, { data }) => {
        for (let turn = 0; turn < 5; turn++) await nextTurn();
        const keeper = received.get(id) ?? new TallyKeeper();
        received.set(id, keeper);
        if (data.length > 0) keeper.add(data);
      });
      await manager.drain({ timeoutMs: FOREVER_MS });
      expect([...received.values()].map((keeper) => keeper.take())).toEqual([tallyOf(RUN), tallyOf(RUN)]);
      await Promise.all([one.status("Reconnecting"), other.status("Reconnecting")]);
    });
  });
}
