import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { eventually } from "../../../../internal/testkit/src/eventually.js";
import { failureOf, readData } from "../../../../internal/testkit/src/peer-watch.js";
import { type FarClient, ServingPeer } from "../../test/successive-clients.js";
import { type DataMessage, timeoutMessage } from "../message.js";

interface Asked {
  readonly serving: ServingPeer;
  readonly client: FarClient;
  readonly question: DataMessage;
}

/** A peer that has read a question of its client A. */
async function ask(): Promise<Asked> {
  const serving = new ServingPeer();
  const client = serving.connect("A", 1_024);
  await serving.send(client, "question");
  return { serving, client, question: await readData(serving.peer) };
}

const detached = new Uint8Array(3);
structuredClone(detached, { transfer: [detached.buffer] });

const LOST = {
  code: "IPC_CONNECTION_LOST",
  message: "reply: the connection that the message came over has ended",
  cause: { code: "IPC_PEER_CLOSED", message: expect.stringMatching(/^connection closed by the peer/) },
};

describe("reply", () => {
  it("sends over the connection of its message, in order with the writes of the peer", async () => {
    const { serving, client, question } = await ask();
    await question.reply(2, "first");
    await serving.peer.write(2, "second");
    await question.reply(2, Buffer.from("third"));
    await eventually(() => expect(client.received).toEqual(["first", "second", "third"]));
  });

  it("rejects with IPC_CONNECTION_LOST when that connection has ended, also while another is there", async () => {
    const { serving, client, question } = await ask();
    await serving.disconnect(client);
    expect(await failureOf(question.reply(2, "late"))).toMatchObject(LOST);
    const next = serving.connect("B");
    expect(await failureOf(question.reply(2, "later"))).toMatchObject(LOST);
    await serving.send(next, "question of B");
    await (await readData(serving.peer)).reply(2, "to B");
    await eventually(() => expect(next.received).toEqual(["to B"]));
    await serving.peer.close();
    expect(await failureOf(question.reply(2, "too late"))).toMatchObject(LOST);
  });

  it.each(["close", "destroy"] as const)("rejects with IPC_CLOSED from the call of %s on", async (end) => {
    const { serving, client, question } = await ask();
    await question.reply(2, "answer");
    const ended = serving.peer[end]();
    const failures = [failureOf(question.reply(2, "late")), failureOf(serving.peer.write(2, "late"))];
    await ended;
    failures.push(failureOf(question.reply(2, "later")));
    for (const failure of failures) expect(await failure).toMatchObject({ code: "IPC_CLOSED" });
    if (end === "close") await eventually(() => expect(client.received).toEqual(["answer"]));
  });

  it.each<[string, Parameters<DataMessage["reply"]>, string]>([
    ["a type that is no number", ["2" as never, ""], "TypeError"],
    ["type 0", [0, ""], "RangeError"],
    ["data of another kind", [2, {} as never], "TypeError"],
    ["more than the peer takes", [2, "x".repeat(1_025)], "IPC_MESSAGE_TOO_LARGE"],
    ["a type that is a bigint", [1n as never, "x"], "TypeError"],
    ["a type that converts to no number", [Object.create(null), "x"], "TypeError"],
    ["data that is detached", [2, detached], "TypeError"],
    ["options of another kind", [2, "", 5 as never], "TypeError"],
    ["a signal that has fired", [2, "", { signal: AbortSignal.abort() }], "IPC_ABORTED"],
  ])("rejects %s as write does", async (_what, call, outcome) => {
    const { serving, question } = await ask();
    const failure = await failureOf(question.reply(...call));
    expect(failure.code ?? failure.name).toBe(outcome);
    expect(failure).toEqual(await failureOf(serving.peer.write(...call)));
  });

  it("rejects wrong arguments with the same errors when the connection has ended", async () => {
    const { serving, client, question } = await ask();
    await serving.disconnect(client);
    expect(await failureOf(question.reply(0, ""))).toBeInstanceOf(RangeError);
    expect(await failureOf(question.reply(2, "x".repeat(1_025)))).toMatchObject({ code: "IPC_MESSAGE_TOO_LARGE" });
  });

  it("exists on data messages only", async () => {
    const { serving } = await ask();
    serving.core.setStatus("Connected");
    expect("reply" in (await serving.peer.read())).toBe(false);
    expect("reply" in timeoutMessage).toBe(false);
  });
});

describe("a message", () => {
  it("names the peer that sent it, and its security, also when another is connected", async () => {
    const { serving, client, question } = await ask();
    await serving.disconnect(client);
    const next = serving.connect("B");
    await serving.send(next, "question of B");
    expect([question.remote, question.security]).toEqual(["A", { mode: "plain", peer: { psk: false } }]);
    expect((await readData(serving.peer)).remote).toBe("B");
  });

  it("shows its data and nothing of its connection when it is inspected or serialized", async () => {
    const { question } = await ask();
    expect(inspect(question, { depth: 9 })).not.toMatch(/origin|security|remote/);
    expect(Object.keys(question)).toEqual(["kind", "type", "data"]);
    expect(Object.keys(JSON.parse(JSON.stringify(question)))).toEqual(["kind", "type", "data"]);
  });

  it("can be answered after it was copied out of a buffer of which little is used", async () => {
    const serving = new ServingPeer();
    const client = serving.connect("A");
    await serving.send(client, "short");
    const message = await readData(serving.peer);
    expect(message.data.buffer.byteLength).toBe(5);
    await message.reply(2, message.text());
    await eventually(() => expect(client.received).toEqual(["short"]));
  });
});
