import type { Duplex } from "node:stream";
import { setImmediate as nextMacrotask } from "node:timers/promises";
import { expect, it } from "vitest";
import { FaultyNetwork } from "./faulty-network.js";

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await nextMacrotask();
}

it("passes on what was held, and lets the server notice later that the client has left", async () => {
  const network = new FaultyNetwork();
  const { transport } = network;
  const accepted: Duplex[] = [];
  const heard: number[] = [];
  await transport.listen(
    "test",
    { kind: "name" },
    (stream) => {
      accepted.push(stream);
      stream.on("data", (chunk: Uint8Array) => heard.push(...chunk));
    },
    {},
  );
  const held = await transport.dial("test", { kind: "name" }, {});
  await turns();
  network.fail({ kind: "hold", direction: "toServer", bytes: 1 }, false);
  held.write(Uint8Array.of(1, 2));
  await turns();
  await transport.dial("test", { kind: "name" }, {});
  network.release();
  await turns();
  expect([heard, accepted.map(({ destroyed }) => destroyed)]).toEqual([
    [1, 2],
    [false, false],
  ]);
  network.notice();
  await turns();
  expect(accepted.map(({ destroyed }) => destroyed)).toEqual([true, false]);
});
