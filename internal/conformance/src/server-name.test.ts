import { generateKeyPairSync } from "node:crypto";
import { linkSync } from "node:fs";
import { join } from "node:path";
import { type ClientOptions, startClient } from "@ipc/client";
import { startServerManager } from "@ipc/manager";
import { type ServerOptions, startServer } from "@ipc/server";
import { memory, tcp, unixSocket } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import { openFarSlot } from "../../testkit/src/id-requester.js";
import { failureOf, readData } from "../../testkit/src/peer-watch.js";
import { temporaryDirectory } from "../../testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../testkit/src/until-test-ends.js";

const psk = new Uint8Array(32).fill(7);
const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const REFUSED = "IPC_SECURITY_REFUSED";

type Options = Pick<ClientOptions & ServerOptions, "security" | "encryption">;
const WAYS: readonly (readonly [string, Options, Options])[] = [
  ["without keys", {}, {}],
  ["with a pre-shared key", { security: { psk } }, { security: { psk } }],
  ["with the server's signature", { security: { trustedPeers: [publicKey] } }, { security: { identity: privateKey } }],
  ["without encryption", { encryption: false }, { encryption: false }],
];

/** Connects a client and proves that it is served. */
async function expectService(options: ClientOptions): Promise<void> {
  const client = untilTestEnds(await startClient(options));
  await client.write(1, "hello");
  expect((await readData(client)).text()).toBe("hello");
  client.destroy();
}

function expectRefused(error: Error, name: string, address: string): void {
  expect(error).toMatchObject({
    code: REFUSED,
    message: expect.stringContaining(`the server at ${address} is not \`${name}\``),
  });
}

describe.each(WAYS)("a client %s", (_way, ofClient, ofServer) => {
  it("is served by the server of its name, and refuses another behind a link", async () => {
    const directory = temporaryDirectory();
    const server = untilTestEnds(await startServer({ name: "orders", directory, ...ofServer }));
    server.on("message", (message) => void server.write(1, message.data));
    linkSync(join(directory, "orders.sock"), join(directory, "billing.sock"));
    await expectService({ name: "orders", directory, ...ofClient });
    expectRefused(
      await failureOf(startClient({ name: "billing", directory, ...ofClient })),
      "billing",
      join(directory, "billing.sock"),
    );
    await expectService({ name: "billing", serverName: "orders", directory, ...ofClient });
    expect((await failureOf(startClient({ name: "orders", serverName: "billing", directory, ...ofClient }))).code).toBe(
      REFUSED,
    );
  });

  it("refuses a server of another name at its port", async () => {
    const server = untilTestEnds(await startServer({ name: "orders", transport: tcp({ port: 0 }), ...ofServer }));
    server.on("message", (message) => void server.write(1, message.data));
    const transport = tcp({ port: Number(server.address.split(":").at(-1)) });
    await expectService({ name: "orders", transport, ...ofClient });
    const error = await failureOf(startClient({ name: "billing", transport, ...ofClient }));
    expectRefused(error, "billing", server.address);
    await expectService({ name: "billing", serverName: "orders", transport, ...ofClient });
  });

  it("is served at a manager's name and slots under the manager's name only", async () => {
    const transport = memory();
    const manager = untilTestEnds(await startServerManager({ name: "orders", transport, ...ofServer }));
    manager.on("connection", (connection) => {
      connection.on("message", (message) => void connection.write(1, message.data));
    });
    await expectService({ name: "orders", transport, ...ofClient });
    await expectService({ name: "orders", transport, multiClient: true, ...ofClient });
    await openFarSlot(transport, "orders", { ...ofClient });
    for (const multiClient of [true, false]) {
      const options = { name: "orders", serverName: "orders1", transport, multiClient, ...ofClient };
      expect((await failureOf(startClient(options))).code).toBe(REFUSED);
    }
  });
});

it("a client keeps redialling while another server has the place of its own", async () => {
  const directory = temporaryDirectory();
  const transport = unixSocket({ directory });
  const first = await startServer({ name: "orders", transport });
  const client = untilTestEnds(await startClient({ name: "orders", transport, retryMs: 1 }));
  const failures: string[] = [];
  await first.close();
  const impostor = await startServer({ name: "billing", directory });
  linkSync(join(directory, "billing.sock"), join(directory, "orders.sock"));
  const left = new Promise<void>((resolve) => {
    impostor.on("refused", (error) => void (failures.push(error.code) === 3 && resolve()));
  });
  await left;
  expect(client.status).toBe("Reconnecting");
  expect(new Set(failures)).toEqual(new Set(["IPC_HANDSHAKE_FAILED"]));
  impostor.destroy();
});

it.each(["", "../x", 7, null])("startClient rejects %o as `serverName`", async (serverName) => {
  const options = { name: "orders", serverName } as unknown as ClientOptions;
  const error = await startClient(options).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "IPC_NAME_INVALID", message: expect.stringContaining("`serverName`") });
});
