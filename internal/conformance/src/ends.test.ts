import { readFileSync } from "node:fs";
import { type ClientOptions, type Peer, startClient } from "@ipc/client";
import { type ServerConnection, type ServerManager, startServerManager } from "@ipc/manager";
import { type Server, startServer } from "@ipc/server";
import { type Transport, tcp, unixSocket } from "@ipc/transport";
import { afterAll, describe, expect, it } from "vitest";
import { eventually } from "../../testkit/src/eventually.js";
import { temporaryDirectory } from "../../testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../testkit/src/until-test-ends.js";
import { EndingPeer, NAME, type Place } from "../test/ending-peer.js";

afterAll(() => EndingPeer.endProcess());

const ROLES = ["a client", "a server", "a manager"] as const;
type Role = (typeof ROLES)[number];

/** The table of docs/ERRORS.md: what each role reports, by how the other side ends. */
const documented = new Map(
  readFileSync(new URL("../../../docs/ERRORS.md", import.meta.url), "utf8")
    .split("## How a connection ends")[1]
    ?.split("\n## ")[0]
    ?.split("\n")
    .filter((line) => line.startsWith("| "))
    .map((line) =>
      line
        .replaceAll("`", "")
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
    .map(([how = "", ...reports]): [string, Record<string, string | undefined>] => [
      how,
      Object.fromEntries(ROLES.map((role, index) => [role, reports[index]])),
    ]),
);

function report(how: string, role: Role): string {
  const cell = documented.get(how)?.[role];
  if (cell === undefined) throw new Error(`docs/ERRORS.md has no row ${how} with ${role}`);
  return cell;
}

type Options = Pick<ClientOptions, "encryption" | "security">;
const OURS: Readonly<Record<string, Options>> = { secure: {}, plain: { encryption: false } };
const GOLANG_IPC: Readonly<Record<string, Options>> = {
  compatible: { security: { wire: "golang-ipc" } },
  plain: { encryption: false, security: { wire: "golang-ipc" } },
};

/** A peer whose reports of an end are put in words. */
type Watched = Pick<Peer, "on">;

/** A peer that is asked often enough is heard at least every 50 ms; one that stands still is cut. */
const IDLE = { heartbeatMs: 50, idleTimeoutMs: 400 };
/** No connection follows the one that is watched. */
const ONCE = { retryMs: 1_000_000 };

function watch(peer: Watched): string[] {
  const seen: string[] = [];
  peer.on("message", () => {});
  peer.on("status", (status) => void (status.startsWith("Connect") || seen.push(status)));
  peer.on("draining", () => seen.push("draining"));
  peer.on("lost", ({ code }) => seen.push(`lost ${code}`));
  return seen;
}

function nextConnection(manager: ServerManager): Promise<ServerConnection> {
  return new Promise((resolve) => manager.once("connection", resolve));
}

/** Keeps in words what a manager and its connection emit. */
async function watchManager(manager: ServerManager): Promise<string[]> {
  const seen = watch(await nextConnection(manager));
  manager.on("disconnection", (_connection, error) => seen.push(`disconnection ${error?.code ?? "without an error"}`));
  return seen;
}

const makeTransport = (place: Place): Transport => ("port" in place ? tcp(place) : unixSocket(place));

/** A peer with what it reports, and the one in another process that it is connected with. */
interface Meeting {
  readonly near: Pick<Peer, "drain">;
  readonly seen: string[];
  readonly far: EndingPeer;
}

async function meet(role: Role, place: Place, options: Options, nearOptions: object = {}): Promise<Meeting> {
  if (role === "a client") {
    const far = await EndingPeer.start({ role: "server", place, options });
    const transport = makeTransport("port" in place ? { port: Number(far.address.split(":")[1]) } : place);
    const near = untilTestEnds(await startClient({ name: NAME, transport, ...ONCE, ...options, ...nearOptions }));
    return { near, seen: watch(near), far };
  }
  const start = { name: NAME, transport: makeTransport(place), ...options, ...nearOptions };
  const near = untilTestEnds(role === "a server" ? await startServer(start) : await startServerManager(start));
  const seen = "connections" in near ? watchManager(near) : watch(near);
  const at = "port" in place ? { port: Number(near.address.split(":")[1]) } : place;
  const far = await EndingPeer.start({ role: "client", place: at, options: { ...ONCE, ...options } });
  return { near, seen: await seen, far };
}

const cases = (rows: readonly string[], modes: Readonly<Record<string, Options>>): [Role, string, string, Options][] =>
  ROLES.flatMap((role) =>
    rows.flatMap((how) =>
      Object.entries(modes).map(([mode, options]): [Role, string, string, Options] => [role, how, mode, options]),
    ),
  );

/** The actions of the other process. */
const COMMANDS: Readonly<Record<string, (mode: string) => string>> = {
  "close()": () => "close",
  "drain()": () => "drain",
  "destroy()": () => "destroy",
  "kill -9": () => "SIGKILL",
  "a reset": () => "reset",
  "nothing for idleTimeoutMs": () => "SIGSTOP",
  // Four bytes: the header of a record, or the length of a frame.
  "the end within a message": (mode) => `end ${mode === "secure" ? "02000030" : "00000010"}`,
  // A record of kind 0, or a control frame without data.
  "bytes that break the protocol": (mode) => `write ${mode === "secure" ? "00000000" : "0000000400000000"}`,
};

/** The control frames that it sends before it closes: without encryption, because a test cannot seal. */
const GOAWAYS: Readonly<Record<string, string>> = {
  '"busy" as its reason': "02",
  '"key withdrawn" as its reason': "03",
};
const goaway = (reason: string): string => `000000160000000003${reason}${"00".repeat(16)}`;

it.each([
  ...cases(Object.keys(COMMANDS), OURS),
  ...cases(Object.keys(GOAWAYS), { plain: OURS["plain"] ?? {} }),
  ...cases(["close()", "drain()", "destroy()", "kill -9"], GOLANG_IPC).map(
    ([role, how, mode, options]) => [role, how, `golang-ipc's ${mode}`, options] as const,
  ),
] as const)("%s reports what docs/ERRORS.md says of `%s` by the other side: %s", async (role, how, mode, options) => {
  const place = how === "a reset" ? { port: 0 } : { directory: temporaryDirectory() };
  const { far, seen } = await meet(role, place, options, how.startsWith("nothing") ? IDLE : {});
  await far.end(COMMANDS[how]?.(mode) ?? `end ${goaway(GOAWAYS[how] ?? "")}${goaway("00")}`);
  const row = mode.startsWith("golang-ipc") ? "golang-ipc's protocol: any end between two messages" : how;
  await eventually(() => expect(seen.join(", ")).toBe(report(row, role)));
});

it.each(cases(["this side's drain()"], OURS))(
  "%s reports what docs/ERRORS.md says of %s: %s",
  async (role, how, _mode, options) => {
    const { near, seen } = await meet(role, { directory: temporaryDirectory() }, options);
    await near.drain();
    expect(seen.join(", ")).toBe(report(how, role));
  },
);

it.each(["a server", "a manager"] as const)(
  "%s reports what docs/ERRORS.md says of a key that it withdraws, and its client what it says of the other side",
  async (role) => {
    const place = { name: NAME, directory: temporaryDirectory() };
    const security = { psk: new Uint8Array(32).fill(1) };
    const start = role === "a server" ? startServer : startServerManager;
    const near = untilTestEnds(await start({ ...place, security }));
    const watching = "connections" in near ? watchManager(near) : watch(near);
    const client = untilTestEnds(await startClient({ ...place, ...ONCE, security }));
    const seen = await watching;
    const atClient = watch(client);
    await eventually(() => expect(client.status).toBe("Connected"));
    if (role === "a server") await eventually(() => expect((near as Server).status).toBe("Connected"));
    near.updateSecurity({ psk: new Uint8Array(32).fill(2) });
    expect(seen.join(", ")).toBe(report("this side's updateSecurity(), the key withdrawn", role));
    await eventually(() => expect(atClient.join(", ")).toBe(report('"key withdrawn" as its reason', "a client")));
  },
);

describe("both sides that close at once", () => {
  it.each(Object.entries(OURS))("report nothing but their own close: %s", async (_mode, options) => {
    const [directory, name] = [temporaryDirectory(), NAME];
    const server = untilTestEnds(await startServer({ name, directory, ...options }));
    const client = untilTestEnds(await startClient({ name, directory, ...options }));
    const [atServer, atClient] = [watch(server), watch(client)];
    await eventually(() => expect(server.status).toBe("Connected"));
    await Promise.all([client.close(), server.close()]);
    const row = "both close() at once";
    expect([atClient.join(", "), atServer.join(", ")]).toEqual([report(row, "a client"), report(row, "a server")]);
  });

  it.each(Object.entries(OURS))(
    "report nothing but their own close, as a manager and its client: %s",
    async (_mode, options) => {
      const [directory, name] = [temporaryDirectory(), NAME];
      const manager = untilTestEnds(await startServerManager({ name, directory, ...options }));
      const watching = watchManager(manager);
      const client = untilTestEnds(await startClient({ name, directory, ...options }));
      const seen = await watching;
      await Promise.all([client.close(), manager.close()]);
      expect(seen.join(", ")).toBe(report("both close() at once", "a manager"));
    },
  );
});

it.each(Object.entries(OURS))(
  "a manager reports a client that it evicts otherwise than one that closes by itself: %s",
  async (_mode, options) => {
    const [directory, name] = [temporaryDirectory(), NAME];
    const manager = untilTestEnds(await startServerManager({ name, directory, ...options }));
    const watching = watchManager(manager);
    const client = untilTestEnds(await startClient({ name, directory, maxUnreadBytes: 1_024, ...options }));
    const seen = await watching;
    const slow = { slow: "disconnect", slowTimeoutMs: 1 } as const;
    while (manager.connections.size > 0) await manager.broadcast(1, Buffer.alloc(60_000), slow);
    expect(seen.join(", ")).toBe(report("eviction by a broadcast", "a manager"));
    const atClient = watch(client);
    await eventually(() => expect(atClient.join(", ")).toBe(report("eviction by a broadcast", "a client")));
  },
);
