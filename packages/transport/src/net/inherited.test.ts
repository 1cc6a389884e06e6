import { openSync } from "node:fs";
import { expect, test } from "vitest";
import type { Transport } from "../transport.js";
import { inherited } from "./inherited.js";

const NAME = { kind: "name" } as const;

test("returns its descriptor as the address of every endpoint, so that a manager assigns no ids", () => {
  for (const endpoint of [NAME, { kind: "manager" }] as const)
    expect(inherited({ fd: 3 }).address("orders", endpoint)).toBe("descriptor 3");
});

test("rejects with IPC_TRANSPORT_FAILED when the descriptor is no listening socket, and for a dial", async () => {
  const transport = inherited({ fd: openSync("/dev/null", "r") });
  await expect(transport.listen("orders", NAME, () => {}, {})).rejects.toMatchObject({
    code: "IPC_TRANSPORT_FAILED",
    message: expect.stringMatching(/^listening at descriptor \d+ failed: .*; check/),
  });
  await expect(transport.dial("orders", NAME, {})).rejects.toMatchObject({ code: "IPC_TRANSPORT_FAILED" });
});

test("uses its descriptor once, even when the listen fails, is aborted or still runs", async () => {
  const listen = async (transport: Transport, signal?: AbortSignal): Promise<string> =>
    transport
      .listen("orders", NAME, () => {}, signal === undefined ? {} : { signal })
      .then(
        () => "listens",
        ({ code }: { readonly code: string }) => code,
      );
  const atOnce = inherited({ fd: openSync("/dev/null", "r") });
  expect(await Promise.all([listen(atOnce), listen(atOnce)])).toEqual(["IPC_TRANSPORT_FAILED", "IPC_ADDRESS_IN_USE"]);

  const aborted = inherited({ fd: openSync("/dev/null", "r") });
  expect(await listen(aborted, AbortSignal.abort())).toBe("IPC_ABORTED");
  const abort = new AbortController();
  const listening = listen(aborted, abort.signal);
  abort.abort();
  expect([await listening, await listen(aborted)]).toEqual(["IPC_ABORTED", "IPC_ADDRESS_IN_USE"]);
});

test.each([
  [{}, TypeError],
  [{ fd: "3" }, TypeError],
  [{ fd: -1 }, RangeError],
  [{ fd: 3, name: "x" }, TypeError],
])("inherited rejects the options %j", (options, error) => {
  expect(() => inherited(options as never)).toThrow(error);
});
