import { PassThrough } from "node:stream";
import { memory, type Transport } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import { NO_OPTIONS } from "../../test/no-options.js";
import { examineHandshake } from "../doctor/handshake.js";
import { Output } from "../output/output.js";
import type { Address } from "./address.js";
import { connectAt } from "./connect.js";

/** A host that answers nothing, so that only the signal ends a dial. */
const SILENT: Transport = {
  ...memory(),
  address: () => "192.0.2.1:1",
  dial: (_name, _endpoint, { signal } = {}) =>
    new Promise((_resolve, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
    }),
};
const address: Address = { options: { transport: SILENT }, release: async () => {} };
const { signal } = new AbortController();
const texts = { json: false, raw: false, quiet: false, verbose: false, noColor: false };
const output = new Output(texts, { stdout: new PassThrough(), stderr: new PassThrough() }, signal);
const options = { ...NO_OPTIONS, multiClient: false, timeout: 2 };
const invocation = { args: ["orders"], rest: [], options, output, signal };

describe("one attempt to connect", () => {
  it("ends with exit code 5 when nothing answers the dial", async () => {
    await expect(connectAt(address, invocation, { once: true })).rejects.toMatchObject({
      exitCode: 5,
      message: "no connection to orders within 4.00 ms; check the address, or give it more time with --timeout",
    });
  });

  it("is the finding no-server of the doctor when nothing answers the dial", async () => {
    expect(await examineHandshake(address, "192.0.2.1:1", invocation, false)).toMatchObject([
      { problem: "no-server", seen: "no connection to orders within 4.00 ms" },
    ]);
  });
});
