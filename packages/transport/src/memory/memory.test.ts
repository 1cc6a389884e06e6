import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { turns } from "../../test/scratch.js";
import type { Endpoint } from "../transport.js";
import { memory } from "./memory.js";

const NAME: Endpoint = { kind: "name" };
const echo = (stream: Duplex): void => void stream.pipe(stream);

test("dials the listener of the same name, and no other", async () => {
  const transport = memory();
  await transport.listen("orders", NAME, echo, {});
  const stream = await transport.dial("orders", NAME, {});
  stream.end("hello");
  expect(await text(stream)).toBe("hello");
  const elsewhere = transport.dial("orders", { kind: "manager" }, {});
  await expect(elsewhere).rejects.toMatchObject({ code: "IPC_NO_SERVER" });
});

test("keeps two memory transports apart", async () => {
  await memory().listen("orders", NAME, echo, {});
  await expect(memory().dial("orders", NAME, {})).rejects.toMatchObject({ code: "IPC_NO_SERVER" });
});

test("rejects a taken name until its owner closes; the owner's second close does not close the next listener", async () => {
  const transport = memory();
  const first = await transport.listen("orders", NAME, echo, {});
  expect(first.address).toBe("memory:orders");
  await expect(transport.listen("orders", NAME, echo, {})).rejects.toMatchObject({ code: "IPC_ADDRESS_IN_USE" });
  await first.close();
  await transport.listen("orders", NAME, echo, {});
  await first.close();
  (await transport.dial("orders", NAME, {})).destroy();
});

test("keeps an accepted stream open when its listener closes, and ends one that waits to be accepted", async () => {
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

test("names a manager in the error for a taken name when that manager listens", async () => {
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
