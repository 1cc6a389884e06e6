import type { PeerOptions, Session } from "@ipc/session";
import { memory, type Transport } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import { openFarClient } from "../../../internal/testkit/src/far-client.js";
import { askForId, openFarSlot } from "../../../internal/testkit/src/id-requester.js";
import { failureOf, nextEvent as nextPeerEvent, readData } from "../../../internal/testkit/src/peer-watch.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import { collect, name, nextEvent, serve } from "../test/served.js";
import { startServerManager } from "./server-manager.js";

const key = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const [first, second]: PeerOptions[] = [1, 2].map((fill) => ({ security: { psk: key(fill) } }));
const both = { security: { psk: [key(1), key(2)] } };
const REFUSED = "IPC_SECURITY_REFUSED";

const lostBy = async (session: Session): Promise<string> => (await nextPeerEvent(session, "lost")).code;

describe("a manager whose keys are replaced", () => {
  it("ends the connections of the key that was withdrawn, at its name and at slots, and serves the others", async () => {
    const { manager, transport, visit } = await serve(both);
    const [withdrawn, kept] = [await visit(first), await visit(second)];
    const [slotWithdrawn, slotKept] = [
      await openFarSlot(transport, name, first),
      await openFarSlot(transport, name, second),
    ];
    const ended = collect(manager, "disconnection");
    const lost = [lostBy(withdrawn.client), lostBy(slotWithdrawn.session)];
    manager.updateSecurity({ psk: key(2) });
    expect(ended.map(([{ id }, error]) => [id, error?.code])).toEqual([
      [withdrawn.connection.id, REFUSED],
      [slotWithdrawn.id, REFUSED],
    ]);
    expect([...manager.connections.keys()]).toEqual([kept.connection.id, slotKept.id]);
    expect(await Promise.all(lost)).toEqual([REFUSED, REFUSED]);
    for (const session of [kept.client, slotKept.session]) {
      const received = nextEvent(manager, "message");
      await session.write(1, "still here");
      const [connection] = await received;
      await connection.write(1, "yes");
      expect((await readData(session)).text()).toBe("yes");
    }
    expect((await failureOf(openFarClient(transport, name, first))).code).toBe("IPC_AUTHENTICATION_FAILED");
    expect((await failureOf(askForId(transport, name, first))).code).toBe("IPC_AUTHENTICATION_FAILED");
  });

  it("tells a client whose connection is closing, too", async () => {
    const { manager, visit } = await serve(both);
    const { client, connection } = await visit(first);
    const lost = lostBy(client);
    const closed = connection.close();
    manager.updateSecurity({ psk: key(2) });
    expect(await lost).toBe(REFUSED);
    await closed;
  });

  it("ends a connection that requests an id, and its slot accepts no client with the withdrawn key", async () => {
    const { manager, transport } = await serve(both);
    const { session, id } = await askForId(transport, name, first);
    const silent = await openFarClient(transport, name, first, { kind: "manager" });
    const lost = [lostBy(session), lostBy(silent)];
    manager.updateSecurity({ psk: key(2) });
    expect(await Promise.all(lost)).toEqual([REFUSED, REFUSED]);
    const slot = failureOf(openFarClient(transport, name, first, { kind: "slot", id }));
    expect((await slot).code).toBe("IPC_AUTHENTICATION_FAILED");
    expect(manager.connections.size).toBe(0);
  });

  it("ends a connection that was established before the manager had started", async () => {
    const inner = memory();
    const clients: Session[] = [];
    const transport: Transport = {
      ...inner,
      async listen(...args) {
        const [, endpoint] = args;
        // It connects at the first endpoint, while the second is being opened.
        if (endpoint.kind === "manager") clients.push(await openFarClient(inner, name, first));
        return inner.listen(...args);
      },
    };
    const manager = untilTestEnds(await startServerManager({ name, transport, ...both }));
    const events: string[] = [];
    manager.on("connection", () => void events.push("connection"));
    manager.on("disconnection", (_connection, error) => void events.push(`${error?.code}`));
    manager.updateSecurity({ psk: key(2) });
    expect(await Promise.all(clients.map(lostBy))).toEqual([REFUSED]);
    expect([events, manager.connections.size]).toEqual([["connection", REFUSED], 0]);
  });

  it("continues with the newest keys when a listener replaces them again, and stops when a listener destroys the manager", async () => {
    const { manager, visit } = await serve(both);
    const visits = [await visit(first), await visit(first), await visit(first)];
    const ended = collect(manager, "disconnection");
    manager.once("disconnection", () => manager.updateSecurity(both.security));
    manager.updateSecurity({ psk: key(2) });
    expect(ended).toHaveLength(1);
    expect(manager.connections.size).toBe(2);
    manager.once("disconnection", () => manager.destroy());
    manager.updateSecurity({ psk: key(2) });
    expect(manager.connections.size).toBe(0);
    await Promise.all(
      visits.slice(1).map(({ client }) => client.status === "Closed" || nextPeerEvent(client, "close")),
    );
  });

  it("rejects missing keys, and any keys after its end", async () => {
    const { manager } = await serve(both);
    expect(() => manager.updateSecurity(undefined as never)).toThrow(TypeError);
    await manager.close();
    expect(() => manager.updateSecurity({})).toThrow(
      expect.objectContaining({ code: "IPC_CLOSED", message: expect.stringContaining("updateSecurity: this manager") }),
    );
  });
});
