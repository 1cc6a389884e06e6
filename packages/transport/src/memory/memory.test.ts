import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { turns } from "../../test/scratch.js";
import type { Endpoint } from "../transport.js";
import { memory } from "./memory.js";

const NAME: Endpoint = { kind: "name" };
const echo = (stream: Duplex): void => void stream.pipe(stream);

test("a dial reaches the listener of its name, and no other", async () => {
  const transport = memory();
  await transport.listen("orders", NAME, echo, {});
  const stream = await transport.dial("orders", NAME, {});
  stream.end("hello");
  expect(await text(stream)).toBe("hello");
  const elsewhere = transport.dial("orders", { kind: "manager" }, {});
  await expect(elsewhere).rejects.toMatchObject({ code: "IPC_NO_SERVER" });
});

test("what is written before the listener has accepted is not lost", async () => {
  const transport = memory();
  const accepted = new Promise<Duplex>((resolve) => void transport.listen("orders", NAME, resolve, {}));
  const stream = await transport.dial("orders", NAME, {});
  stream.end("early");
  const far = await accepted;
  await turns(5);
  expect(await text(far)).toBe("early");
});

test("two worlds do not see each other", async () => {
  await memory().listen("orders", NAME, echo, {});
  await expect(memory().dial("orders", NAME, {})).rejects.toMatchObject({ code: "IPC_NO_SERVER" });
});

test("a taken name is refused until its owner closes, which then cannot close the next one", async () => {
  const transport = memory();
  const first = await transport.listen("orders", NAME, echo, {});
  expect(first.address).toBe("memory:orders");
  await expect(transport.listen("orders", NAME, echo, {})).rejects.toMatchObject({ code: "IPC_ADDRESS_IN_USE" });
  await first.close();
  await transport.listen("orders", NAME, echo, {});
  await first.close();
  (await transport.dial("orders", NAME, {})).destroy();
});

test("a stream outlives its listener, but one not yet accepted ends with it", async () => {
  const transport = memory();
  const listener = await transport.listen("orders", NAME, echo, {});
  const accepted = await transport.dial("orders", NAME, {});
  await turns(1);
  const waiting = await transport.dial("orders", NAME, {});
  await listener.close();
  expect(await text(waiting)).toBe("");
  accepted.end("hello");
  expect(await text(accepted)).toBe("hello");
});

test("an aborted signal ends both waits", async () => {
  const transport = memory();
  const signal = AbortSignal.abort("enough");
  const aborted = { code: "IPC_ABORTED", name: "AbortError", cause: "enough" };
  await expect(transport.listen("orders", NAME, echo, { signal })).rejects.toMatchObject(aborted);
  await expect(transport.dial("orders", NAME, { signal })).rejects.toMatchObject(aborted);
});

test("a wrong name rejects and does not throw", async () => {
  const wrong = { code: "IPC_NAME_INVALID" };
  await expect(memory().listen("../x", NAME, echo, {})).rejects.toMatchObject(wrong);
  await expect(memory().dial("../x", NAME, {})).rejects.toMatchObject(wrong);
});

test("says that a taken name may be a slot of a manager when that manager listens", async () => {
  const transport = memory();
  await transport.listen("worker1", NAME, echo, {});
  const failing = (): Promise<unknown> => transport.listen("worker1", NAME, echo, {});
  await expect(failing()).rejects.toMatchObject({ message: expect.not.stringContaining("manager") });
  await transport.listen("worker", { kind: "manager" }, echo, {});
  await expect(failing()).rejects.toMatchObject({
    code: "IPC_ADDRESS_IN_USE",
    message: expect.stringContaining("slot of manager `worker`"),
  });
});
