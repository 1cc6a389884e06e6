import { buildNatsServer } from "@ipc-internal/conformance/nats-server";
import { expect, it } from "vitest";
import { broker, reportDuels, reportIdle } from "./broker.js";

const program = await buildNatsServer();

it.each([
  [[130, 100, 900], true, "| round trip of 64 B, µs | 100 (100 … 100) | 130 (100 … 900) |   1.30 |"],
  [[131, 131, 131], false, "MISSED"],
])("reports round trips of %j, beside 100, by the median ratio", (ours, isMet, text) => {
  const { figures, met } = reportDuels({ "round trip of 64 B, µs": { bare: [100, 100, 100], ours } });
  expect(met).toBe(isMet);
  expect(figures).toContain(text);
});

it("multiplies what an idle client costs", () => {
  const costs = { serverBytes: 53_687, brokerBytes: 10_737, messagesPerSecond: 0.45 };
  const text = reportIdle({ ...costs, serverShare: 0.000_012, brokerShare: 0.000_005 });
  const rows = text.split("\n").map((line) => line.split("|").map((cell) => cell.trim()));
  expect(rows).toContainEqual(["", "memory of its server", "52.4 KiB", "5.00 GiB", ""]);
  expect(rows).toContainEqual(["", "messages in each direction", "0.45/s", "45.0 k/s", ""]);
  expect(rows).toContainEqual(["", "processor of its server", "0.0012 % of a core", "1.20 cores", ""]);
});

const whyNot =
  "missing" in program
    ? program.missing
    : process.platform === "linux"
      ? undefined
      : "only Linux has /proc, which it reads";

it.skipIf(whyNot !== undefined)(
  `measures everything beside a real broker${whyNot === undefined ? "" : ` (skipped: ${whyNot})`}`,
  async () => {
    const { figures } = await broker.run({ rounds: 1, clients: 20, seconds: 1 });
    expect(figures).not.toMatch(/NaN|undefined|Infinity/);
  },
  120_000,
);
