import { createECDH } from "node:crypto";
import { expect, it } from "vitest";
import { RawPeer } from "../../../internal/testkit/src/raw-peer.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import { startServer } from "./server.js";

const CLIENTS = 96;

it("sends the hello to every waiting client before it has derived the secrets of more than a few", async () => {
  const server = untilTestEnds(await startServer({ name: "orders", directory: temporaryDirectory() }));
  const publicKey = createECDH("secp384r1").generateKeys();
  let derived = 0;
  const greeted = await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const peer = await RawPeer.connect(server.address);
      peer.stream.write(Buffer.concat([Uint8Array.of(0), publicKey]));
      await peer.read(2);
      // The server's public key, and the length of its limits.
      void peer.read(97 + 4).then(
        () => derived++,
        () => {},
      );
      return derived;
    }),
  );
  // One for each four clients: with as many as clients, the last would wait behind all.
  expect(Math.max(...greeted)).toBeLessThanOrEqual(CLIENTS / 4);
});
