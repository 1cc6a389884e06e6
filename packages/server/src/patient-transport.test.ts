import { join } from "node:path";
import { memory, type Transport, TransportError } from "@ipc/transport";
import { describe, expect, it, vi } from "vitest";
import { failureOf } from "../../../internal/testkit/src/peer-watch.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import { patientTransport } from "./patient-transport.js";
import { startServer } from "./server.js";

const name = "orders";

/** Counts the attempts to listen. */
function counted(): { transport: Transport; listen: ReturnType<typeof vi.fn<Transport["listen"]>> } {
  const real = memory();
  const listen = vi.fn((...args: Parameters<Transport["listen"]>) => real.listen(...args));
  return { transport: { ...real, listen }, listen };
}

describe("a server with waitMs", () => {
  it("listens as soon as the old server has closed", async () => {
    const directory = temporaryDirectory();
    const old = untilTestEnds(await startServer({ name, directory }));
    const starting = startServer({ name, directory, waitMs: 1_000_000 });
    await old.close();
    const server = untilTestEnds(await starting);
    expect([server.status, server.address]).toEqual(["Listening", join(directory, "orders.sock")]);
  });

  it("rejects with IPC_ADDRESS_IN_USE when the time is over, and names it", async () => {
    const { transport, listen } = counted();
    untilTestEnds(await startServer({ name, transport }));
    const error = await failureOf(startServer({ name, transport, waitMs: 60 }));
    expect(error).toMatchObject({ code: "IPC_ADDRESS_IN_USE", message: expect.stringMatching(/\(waited 60 ms\)$/) });
    expect(listen.mock.calls.length).toBeGreaterThan(2);
  });

  it("stops waiting when its signal is aborted", async () => {
    const { transport } = counted();
    untilTestEnds(await startServer({ name, transport }));
    const controller = new AbortController();
    const starting = startServer({ name, transport, waitMs: 1_000_000, signal: controller.signal });
    controller.abort("enough");
    await expect(starting).rejects.toMatchObject({ code: "IPC_ABORTED", cause: "enough" });
  });

  it("stops waiting when its signal is aborted on a transport that ignores the signal", async () => {
    const { transport, listen } = counted();
    const patient = patientTransport(transport, 1_000_000);
    const controller = new AbortController();
    listen.mockImplementation(() => {
      controller.abort("enough");
      return Promise.reject(new TransportError("IPC_ADDRESS_IN_USE", "taken"));
    });
    const listening = patient.listen(name, { kind: "name" }, () => {}, { signal: controller.signal });
    await expect(listening).rejects.toMatchObject({ code: "IPC_ABORTED", cause: "enough" });
    expect(listen).toHaveBeenCalledTimes(1);
  });

  it("does not wait after any other failure, and not for the address of a slot", async () => {
    const { transport, listen } = counted();
    const patient = patientTransport(transport, 1_000_000);
    const onStream = (): void => {};
    listen.mockRejectedValueOnce(new Error("broken"));
    await expect(patient.listen(name, { kind: "name" }, onStream, {})).rejects.toThrow("broken");
    const slot = { kind: "slot", id: 1 } as const;
    await patient.listen(name, slot, onStream, {});
    await expect(patient.listen(name, slot, onStream, {})).rejects.toMatchObject({ code: "IPC_ADDRESS_IN_USE" });
  });
});
