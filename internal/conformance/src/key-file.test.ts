import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { startClient } from "@ipc/client";
import { startServer } from "@ipc/server";
import { expect, it, onTestFinished, vi } from "vitest";
import { failureOf, nextEvent, readData, readUntil } from "../../testkit/src/peer-watch.js";
import { temporaryDirectory } from "../../testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../testkit/src/until-test-ends.js";

const name = "orders";

it("a server makes its key file, a client of the same user reads it, without a configured path", async () => {
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

it("a client that was there first waits for the server that makes the file", async () => {
  const directory = temporaryDirectory();
  const security = { keyFile: join(temporaryDirectory(), "shared.key") };
  const starting = startClient({ name, directory, retryMs: 1, security });
  const server = untilTestEnds(await startServer({ name, directory, security }));
  const client = untilTestEnds(await starting);
  await server.write(1, "welcome");
  expect((await readData(client)).text()).toBe("welcome");
});

it("a server that is started again is the same for its client, and so is one that had to make another file", async () => {
  const directory = temporaryDirectory();
  const keyFile = join(temporaryDirectory(), "shared.key");
  const security = { keyFile };
  const first = await startServer({ name, directory, security });
  const client = untilTestEnds(await startClient({ name, directory, retryMs: 1, security }));
  await readUntil(client, "Connected");
  const keys = [readFileSync(keyFile, "hex")];
  await first.close();

  const second = await startServer({ name, directory, security });
  expect(await readUntil(client, "Connected")).toEqual(["Reconnecting", "Connected"]);
  keys.push(readFileSync(keyFile, "hex"));
  rmSync(keyFile);
  await second.close();

  untilTestEnds(await startServer({ name, directory, security }));
  expect(await readUntil(client, "Connected")).toEqual(["Reconnecting", "Connected"]);
  keys.push(readFileSync(keyFile, "hex"));
  expect(keys[1]).toBe(keys[0]);
  expect(keys[2]).not.toBe(keys[0]);
});

it("rejects a client with another file, another key or none, also when every user may use the socket", async () => {
  const directory = temporaryDirectory();
  const [keyFile, other] = [join(temporaryDirectory(), "shared.key"), join(temporaryDirectory(), "shared.key")];
  const server = untilTestEnds(await startServer({ name, directory, unmaskPermissions: true, security: { keyFile } }));
  const elsewhere = untilTestEnds(
    await startServer({ name, directory: temporaryDirectory(), security: { keyFile: other } }),
  );
  expect(elsewhere.status).toBe("Listening");
  for (const [security, code] of [
    [{ keyFile: other }, "IPC_AUTHENTICATION_FAILED"],
    [{ psk: new Uint8Array(32).fill(5) }, "IPC_AUTHENTICATION_FAILED"],
    [{}, "IPC_SECURITY_REFUSED"],
    [{ wire: "golang-ipc" }, "IPC_SECURITY_REFUSED"],
  ] as const) {
    const refused = nextEvent(server, "refused");
    expect(await failureOf(startClient({ name, directory, retry: false, security }))).toMatchObject({ code });
    expect((await refused).code).toBe(code);
  }
  expect(server.status).toBe("Listening");
});
