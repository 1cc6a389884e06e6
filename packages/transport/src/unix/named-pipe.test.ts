import { readdirSync } from "node:fs";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { scratchDirectory } from "../../test/scratch.js";
import type { Endpoint } from "../transport.js";
import { namedPipe } from "./named-pipe.js";

const NAME: Endpoint = { kind: "name" };
const echo = (stream: Duplex): void => void stream.pipe(stream);

/** On systems without pipes, their names are those of socket files in the working directory. */
function workElsewhere(): void {
  const before = process.cwd();
  process.chdir(scratchDirectory());
  onTestFinished(() => process.chdir(before));
}

test("dials the listener, and a close frees the name", async () => {
  workElsewhere();
  const transport = namedPipe(false, 250);
  await expect(transport.dial("orders", NAME, {})).rejects.toMatchObject({ code: "IPC_NO_SERVER" });
  const listener = await transport.listen("orders", NAME, echo, {});
  expect(listener.address).toBe("\\\\.\\pipe\\orders");
  const stream = await transport.dial("orders", NAME, {});
  stream.end("hello");
  expect(await text(stream)).toBe("hello");
  await listener.close();
  expect(readdirSync(".")).toEqual([]);
});

test("rejects a taken name and an invalid name", async () => {
  workElsewhere();
  const transport = namedPipe(true, 250);
  const listener = await transport.listen("orders", NAME, echo, {});
  await expect(transport.listen("orders", NAME, echo, {})).rejects.toMatchObject({ code: "IPC_ADDRESS_IN_USE" });
  await expect(transport.listen("../x", NAME, echo, {})).rejects.toMatchObject({ code: "IPC_NAME_INVALID" });
  await expect(transport.dial("../x", NAME, {})).rejects.toMatchObject({ code: "IPC_NAME_INVALID" });
  await listener.close();
});

test("rejects a dial and a listen of a named pipe when their signal was aborted before", async () => {
  const signal = AbortSignal.abort("enough");
  const aborted = { code: "IPC_ABORTED", cause: "enough" };
  await expect(namedPipe(false, 250).listen("orders", NAME, echo, { signal })).rejects.toMatchObject(aborted);
  await expect(namedPipe(false, 250).dial("orders", NAME, { signal })).rejects.toMatchObject(aborted);
});
