import { describe, expect, it } from "vitest";
import { eventually } from "../../../../internal/testkit/src/eventually.js";
import { collect, readData } from "../../../../internal/testkit/src/peer-watch.js";
import { succeed, WAYS } from "../../test/handled-messages.js";
import { nextTick } from "../../test/recorded-inbox.js";
import { type FarClient, ServingPeer } from "../../test/successive-clients.js";

const LOOPS = Object.entries(WAYS).filter(([way]) => way !== "reads");

/** A server that greets each client when it is told of it. */
function startGreeting(): { serving: ServingPeer; statuses: string[]; greetings: Promise<unknown>[] } {
  const serving = new ServingPeer();
  const greetings: Promise<unknown>[] = [];
  const statuses = collect(serving.peer, "status");
  serving.peer.on("status", (status) => {
    if (status === "Connected") greetings.push(serving.peer.write(2, "welcome").catch(({ code }) => code));
  });
  return { serving, statuses, greetings };
}

describe.each(LOOPS)("the event for Connected of a server whose messages go to %s", (_way, start) => {
  it("comes when the earlier client's messages are handled, so that what its listener writes reaches the next", async () => {
    const { serving, statuses, greetings } = startGreeting();
    const messages = start(serving);
    const b = await succeed(serving, "a1");
    await messages.begin("a1");
    expect([serving.peer.status, statuses]).toEqual(["Connected", ["Connected", "Disconnected"]]);
    await messages.finish("a1");
    expect(statuses).toEqual(["Connected", "Disconnected", "Connected"]);
    await eventually(() => expect(b.received).toEqual(["welcome"]));
    expect(await Promise.all(greetings)).toEqual([undefined, undefined]);
  });

  it("is followed by the end of a close that does not wait for a step", async () => {
    const { serving, statuses } = startGreeting();
    const messages = start(serving);
    await succeed(serving, "a1");
    await messages.begin("a1");
    await serving.peer.close();
    expect(statuses).toEqual(["Connected", "Disconnected", "Connected", "Closing", "Closed"]);
  });

  it("comes at once when the next client has disconnected meanwhile, and not for one that is there", async () => {
    const { serving, statuses } = startGreeting();
    const messages = start(serving);
    const b = await succeed(serving, "a1");
    await messages.begin("a1");
    await serving.disconnect(b);
    const gone = ["Connected", "Disconnected", "Connected", "Disconnected"];
    expect(statuses).toEqual(gone);
    const c = serving.connect("C");
    expect(statuses).toEqual(gone);
    await messages.finish("a1");
    expect(statuses).toEqual([...gone, "Connected"]);
    await eventually(() => expect(c.received).toEqual(["welcome"]));
  });
});

it("the event for Connected comes before the first message of its client, which listeners get at once", async () => {
  const { serving, greetings } = startGreeting();
  const messages = WAYS["an async listener"](serving);
  const seen: string[] = [];
  serving.peer.on("status", (status) => seen.push(status)).on("message", (message) => seen.push(message.text()));
  const b: FarClient = await succeed(serving, "a1");
  await messages.begin("a1");
  await serving.send(b, "b1");
  expect(seen).toEqual(["Connected", "a1", "Disconnected", "Connected", "b1"]);
  expect(await greetings.at(-1)).toBe("IPC_CONNECTION_LOST");
});

it("the event for Connected does not wait for a read, whose caller may wait for it", async () => {
  const { serving, statuses } = startGreeting();
  const a = serving.connect("A");
  await serving.send(a, "a1");
  await readData(serving.peer);
  await serving.disconnect(a);
  serving.connect("B");
  await nextTick();
  expect(statuses).toEqual(["Connected", "Disconnected", "Connected"]);
});
