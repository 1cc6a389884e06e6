import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { startClient } from "@ipc/client";
import { startServer } from "@ipc/server";
import { expect, it, onTestFinished, vi } from "vitest";
import { readUntil } from "../../testkit/src/peer-watch.js";
import { temporaryDirectory } from "../../testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../testkit/src/until-test-ends.js";

const name = "orders";

it("a client of the same user reads the key file that its server makes, without a configured path", async () => {
  const directory = temporaryDirectory();
  const runtime = temporaryDirectory();
  vi.stubEnv("XDG_RUNTIME_DIR", runtime);
  onTestFinished(() => void vi.unstubAllEnvs());
  const security = { keyFile: true };
  const server = untilTestEnds(await startServer({ name, directory, unmaskPermissions: true, security }));
  const path = join(runtime, "ipc", "orders.key");
  expect([statSync(path).mode & 0o777, statSync(join(runtime, "ipc")).mode & 0o777]).toEqual([0o600, 0o700]);
  const client = untilTestEnds(await startClient({ name, directory, security }));
  await client.write(1, "one of us");
  expect(await readUntil(server, "one of us")).toEqual(["Connected", "one of us"]);
  for (const peer of [client, server]) expect(peer.security).toEqual({ mode: "secure", peer: { psk: true } });
  await client.close();
  await server.close();
  // For the next start.
  expect(readdirSync(join(runtime, "ipc"))).toEqual(["orders.key"]);
});
