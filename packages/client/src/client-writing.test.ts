import { describe, expect, it } from "vitest";
import { failureOf, readData } from "../../../internal/testkit/src/peer-watch.js";
import { pair } from "../test/paired.js";

// The tests of writes, the queue and flush, which every peer has, are in packages/session/src/connection.

describe.each([
  ["secure", {}],
  ["compatible", { security: { wire: "golang-ipc" } }],
  ["plain", { encryption: false }],
] as const)("over a connection that is %s, write", (mode, options) => {
  it.each([1, 65_536])("lets %i bytes be reused as soon as it resolves", async (size) => {
    const { client, session } = await pair(options, options);
    expect([client.security.mode, session.security.mode]).toEqual([mode, mode]);
    const data = new Uint8Array(size).fill(0xaa);
    await client.write(1, data);
    data.fill(0xbb);
    const received = (await readData(session)).data;
    expect(received.length).toBe(size);
    expect(received.every((byte) => byte === 0xaa)).toBe(true);
  });

  it.each([
    ["to the server (golang-ipc: TestServerWrongMessageType, TestServerCorrectMessageType)", true],
    ["to the client (golang-ipc: TestClientWrongMessageType, TestClientCorrectMessageType)", false],
  ])("accepts strings, bytes, views, empty data and any type, %s", async (_direction, isToServer) => {
    const { client, session } = await pair(options, options);
    const [from, to] = isToServer ? [client, session] : [session, client];
    await from.write(1, "5 € and 😀");
    await from.write(4_294_967_295, new TextEncoder().encode("bytes"));
    await from.writeMessage({ type: 3, data: Buffer.from("a view of it").subarray(2, 6) });
    await from.write(4, "");
    const received = [];
    for (let i = 0; i < 4; i++) received.push(await readData(to));
    expect(received.map((message) => [message.type, message.text()])).toEqual([
      [1, "5 € and 😀"],
      [4_294_967_295, "bytes"],
      [3, "view"],
      [4, ""],
    ]);
    for (const { data } of received) expect(Object.getPrototypeOf(data)).toBe(Uint8Array.prototype);
  });
});

describe("write", () => {
  it("applies the server's size limit, not the client's own (golang-ipc: TestStartUp_Configs3)", async () => {
    const { client, session } = await pair({ maxMessageSize: 1_024 }, { maxMessageSize: 2_048 });
    await client.write(1, new Uint8Array(2_048));
    expect((await readData(session)).data.length).toBe(2_048);
    expect(await failureOf(client.write(1, new Uint8Array(2_049)))).toMatchObject({ code: "IPC_MESSAGE_TOO_LARGE" });
  });

  it.each([null, 5, { signal: "stop" }])("and flush reject the options %o, rather than throw", async (options) => {
    const { client } = await pair();
    expect(await failureOf(client.write(1, "", options as never))).toBeInstanceOf(TypeError);
    expect(await failureOf(client.flush(options as never))).toBeInstanceOf(TypeError);
  });

  it("and writeMessage reject a wrong type or data, rather than throw", async () => {
    const { client } = await pair();
    for (const message of [
      { type: 0, data: "" },
      { type: 1, data: 5 as never },
    ]) {
      for (const write of [client.write(message.type, message.data), client.writeMessage(message)]) {
        expect((await failureOf(write)).message).toMatch(/^write: /);
      }
    }
  });

  it("sends an accepted message when its signal is aborted later", async () => {
    const { client, session } = await pair();
    const controller = new AbortController();
    const written = client.write(1, "accepted", { signal: controller.signal });
    controller.abort();
    await written;
    expect((await readData(session)).text()).toBe("accepted");
  });
});
