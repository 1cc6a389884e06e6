import { describe, expect, it } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { collect, nextEvent, readToEnd, readUntil } from "../../../internal/testkit/src/peer-watch.js";
import { stopClock } from "../../../internal/testkit/src/stopped-clock.js";
import { pair } from "../test/paired.js";

describe("the statuses of a client", () => {
  it("are Connecting, Connected, Reconnecting, Connected, Closing, Closed, for reads (golang-ipc: TestServerClose)", async () => {
    const { client, session, far } = await pair();
    expect(await readUntil(client, "Connected")).toEqual(["Connecting", "Connected"]);
    await session.close();
    await far.session();
    expect(await readUntil(client, "Connected")).toEqual(["Reconnecting", "Connected"]);
    await client.close();
    expect(await readToEnd(client)).toEqual(["Closing", "Closed", "IPC_CLOSED"]);
  });

  it("reach listeners in the same order, from the first change after the listener was added", async () => {
    const { client, session, far } = await pair();
    const seen = collect(client, "status");
    const back = new Promise<void>((resolve) => client.on("status", (status) => status === "Connected" && resolve()));
    session.destroy();
    await far.session();
    await back;
    await client.close();
    expect(seen).toEqual(["Reconnecting", "Connected", "Closing", "Closed"]);
  });

  it("have golang-ipc's numbers (golang-ipc: TestStatus)", async () => {
    const { client, session } = await pair();
    const seen: [string, number][] = [[client.status, client.statusCode]];
    client.on("status", () => seen.push([client.status, client.statusCode]));
    const gone = nextEvent(client, "status");
    session.destroy();
    await gone;
    await client.close();
    expect(seen).toEqual([
      ["Connected", 3],
      ["Reconnecting", 4],
      ["Closing", 6],
      ["Closed", 5],
    ]);
  });

  it("change at once, and are emitted after the messages received before", async () => {
    const { client, session } = await pair();
    const seen: string[] = [];
    client.on("status", (status) => seen.push(status));
    client.on("message", (message) => seen.push(message.text()));
    client.pause();
    await session.write(1, "a");
    await session.close();
    await eventually(() => expect(client.status).toBe("Reconnecting"));
    expect(seen).toEqual([]);
    const told = nextEvent(client, "status");
    client.resume();
    await told;
    expect(seen).toEqual(["a", "Reconnecting"]);
  });

  it("are read between the messages in the order of arrival", async () => {
    const { client, session, far } = await pair();
    await session.write(1, "a");
    await session.close();
    const second = await far.session();
    await second.write(1, "b");
    await second.close();
    await far.session();
    expect(await readUntil(client, "b")).toEqual(["Connecting", "Connected", "a", "Reconnecting", "Connected", "b"]);
    expect(await readUntil(client, "Connected")).toEqual(["Reconnecting", "Connected"]);
  });

  it("are emitted in order when a listener changes the status again at once", async () => {
    const { client, session } = await pair();
    await readUntil(client, "Connected");
    client.on("status", (status) => void (status === "Reconnecting" && client.close()));
    const reads = Promise.all([client.read(), client.read(), client.read()]);
    session.destroy();
    expect(await reads).toMatchObject([{ status: "Reconnecting" }, { status: "Closing" }, { status: "Closed" }]);
  });
});

describe("the final failure of a client", () => {
  it("is Timeout when redialling took timeoutMs: reads reject, the client emits 'error', then 'close', and no other event (golang-ipc: TestTimeoutServerDisconnected, TestClientReadClose, TestClientReconnectTimeout)", async () => {
    const { client, session, far } = await pair({ timeoutMs: 60_000 });
    const events: string[] = [];
    client.on("lost", (error) => events.push(`lost ${error.code}`));
    client.on("status", (status) => events.push(status));
    client.on("error", (error) => events.push(`error ${error.code}`));
    const closed = new Promise<void>((resolve) => {
      client.on("close", () => {
        events.push("close");
        resolve();
      });
    });
    const pass = stopClock();
    await far.close();
    await session.close();
    expect(await readUntil(client, "Reconnecting")).toEqual(["Connecting", "Connected", "Reconnecting"]);
    pass(60_000);
    expect(await readToEnd(client)).toEqual(["Timeout", "IPC_TIMED_OUT"]);
    await closed;
    expect(events).toEqual(["Reconnecting", "lost IPC_PEER_CLOSED", "Timeout", "error IPC_TIMED_OUT", "close"]);
    expect(client).toMatchObject({ status: "Timeout", statusCode: 8 });
    await expect(client.read()).rejects.toMatchObject({
      code: "IPC_TIMED_OUT",
      message: expect.stringContaining("timed out trying to re-connect to"),
    });
    await expect(client.write(1, "late")).rejects.toMatchObject({ code: "IPC_CLOSED" });
    await expect(client.flush()).rejects.toMatchObject({ code: "IPC_CLOSED" });
    await client.close();
    expect(client.status).toBe("Timeout");
    expect(events.length).toBe(5);
  });

  it("is Error at once when the failure of the new server is permanent", async () => {
    const { client, session, far } = await pair({}, { security: { wire: "golang-ipc" } });
    const failed = nextEvent(client, "error");
    await session.close();
    await far.session({ encryption: false }).catch(() => {});
    expect(await failed).toMatchObject({ code: "IPC_ENCRYPTION_REFUSED" });
    expect(client).toMatchObject({ status: "Error", statusCode: 7 });
    expect((await readToEnd(client)).slice(-3)).toEqual(["Reconnecting", "Error", "IPC_ENCRYPTION_REFUSED"]);
  });

  it("does not occur after a secure session, for any server that answers and any bytes that it sends (golang-ipc: row 28)", async () => {
    const { client, session, far } = await pair();
    await session.close();
    (await far.next()).destroy();
    (await far.next()).end(Uint8Array.of(2));
    for (const hello of [
      [2, 0],
      [3, 1],
      [2, 1, ...new Array<number>(97).fill(0x41)],
    ]) {
      const stranger = await far.next();
      stranger.on("error", () => {}).resume();
      stranger.write(Uint8Array.from(hello));
    }
    await far.session();
    await eventually(() => expect(client.status).toBe("Connected"));
    expect(client.stats.reconnects).toBe(1);
  });

  it("is Error after one attempt with retry: false", async () => {
    const { client, session, far } = await pair({ retry: false });
    const failed = nextEvent(client, "error");
    await far.close();
    await session.close();
    expect(await failed).toMatchObject({ code: "IPC_NO_SERVER" });
    expect((await readToEnd(client)).slice(-3)).toEqual(["Reconnecting", "Error", "IPC_NO_SERVER"]);
  });

  it("does not occur with retry: false when a server listens", async () => {
    const { client, session, far } = await pair({ retry: false });
    await session.close();
    await far.session();
    await readUntil(client, "Reconnecting");
    expect(await readUntil(client, "Connected")).toEqual(["Connected"]);
  });

  it("keeps unread messages for reads, and emits every status, 'error' and 'close' without a read", async () => {
    const { client, session, far } = await pair({ retry: false });
    await readUntil(client, "Connected");
    const events: string[] = [];
    client.on("status", (status) => events.push(status));
    client.on("error", () => events.push("error"));
    const closed = nextEvent(client, "close").then(() => events.push("close"));
    await session.write(1, "a");
    await far.close();
    await session.close();
    await closed;
    expect(events).toEqual(["Reconnecting", "Error", "error", "close"]);
    expect(await readUntil(client, "Error")).toEqual(["a", "Reconnecting", "Error"]);
    await expect(client.read()).rejects.toMatchObject({ code: "IPC_NO_SERVER" });
  });

  it("reaches listeners after every earlier message and status", async () => {
    const { client, session, far } = await pair({ retry: false });
    const events: string[] = [];
    client.on("message", (message) => events.push(message.text()));
    client.on("status", (status) => events.push(status));
    client.on("error", () => events.push("error"));
    const closed = nextEvent(client, "close");
    await session.write(1, "a");
    await far.close();
    await session.close();
    await closed;
    expect(events).toEqual(["a", "Reconnecting", "Error", "error"]);
  });
});
