import type { Duplex } from "node:stream";
import { memory, type Transport } from "@ipc/transport";
import { expect, it } from "vitest";
import { plainFrame } from "../../../internal/testkit/src/raw-peer.js";
import { isSettled, nextTurn, serve } from "../test/served.js";

/** A transport and the manager's ends of its connections, in the order in which they were accepted. */
function tapped(): { readonly transport: Transport; readonly accepted: Duplex[] } {
  const inner = memory();
  const accepted: Duplex[] = [];
  const transport: Transport = {
    address: (...place) => inner.address(...place),
    dial: (...place) => inner.dial(...place),
    listen: (name, endpoint, onStream, options) =>
      inner.listen(
        name,
        endpoint,
        (stream) => {
          accepted.push(stream);
          onStream(stream);
        },
        options,
      ),
  };
  return { transport, accepted };
}

it("delivers a message that arrives on one connection while a listener runs for another", async () => {
  const { transport, accepted } = tapped();
  const { manager, visitRaw } = await serve({ encryption: false, transport });
  const first = await visitRaw();
  await visitRaw();
  const texts: string[] = [];
  manager.on("message", (connection, message) => {
    // A stream that passes data on within `write` emits it at once, too.
    if (connection === first.connection) accepted[1]?.emit("data", plainFrame(1, "b"));
    texts.push(message.text());
  });
  await nextTurn();
  first.raw.stream.write(plainFrame(1, "a"));
  await isSettled(nextTurn());
  expect(texts).toEqual(["a", "b"]);
});
