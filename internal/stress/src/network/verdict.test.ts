import { expect, it } from "vitest";
import type { PeerReport } from "./peer.js";
import { makePlan } from "./plan-maker.js";
import { findFault, type Outcome } from "./verdict.js";

const plans = Array.from({ length: 100 }, (_, seed) => makePlan(seed));
const finished = plans.find(({ finale }) => finale.kind === "finish") as Outcome["plan"];
const unfinished = plans.find(({ finale }) => finale.kind === "close") as Outcome["plan"];
const plannedOf = (plan: Outcome["plan"]) => plan.connections.flatMap(({ fault }) => fault?.kind ?? []);

const report: PeerReport = {
  sent: [{ connection: 1, messages: 5 }],
  arrived: [{ connection: 1, messages: 5 }],
  codes: ["lost IPC_CONNECTION_LOST", "read IPC_CLOSED"],
};

function outcome(client: Partial<PeerReport>, plan = finished, fired = plannedOf(plan)): Outcome {
  return { plan, fired, reports: { server: report, client: { ...report, ...client } } };
}

it("finds nothing wrong with a run in which everything arrived", () => {
  expect(findFault(outcome({}))).toBeUndefined();
});

it.each([
  [{ arrived: [{ connection: 1, messages: 6 }] }, "6 messages of the server's connection 1 arrived, 5 were written"],
  [{ arrived: [{ connection: 0, messages: 1 }] }, "1 messages of the server's connection 0 arrived, 0 were written"],
  [
    { arrived: [{ connection: 1, messages: 4 }] },
    "of 5 messages on the server's last connection 1, 4 of connection 1 arrived",
  ],
  [{ arrived: [] }, "of 5 messages on the server's last connection 1, undefined of connection undefined arrived"],
  [
    { sent: [{ connection: 1, messages: 6 }] },
    "of 6 messages on the client's last connection 1, 5 of connection 1 arrived",
  ],
])("finds what is missing or too much: %j", (client, says) => {
  expect(findFault(outcome(client))).toBe(says);
});

it("accepts missing messages when a side was ended under a fault", () => {
  expect(findFault(outcome({ arrived: [{ connection: 1, messages: 2 }] }, unfinished))).toBeUndefined();
});

it("rejects an error code that no fault of the run explains", () => {
  const flipped = { codes: ["lost IPC_DECRYPTION_FAILED"] };
  const fired = plannedOf(finished).map(() => "cut" as const);
  expect(findFault(outcome(flipped, finished, fired))).toBe("nothing explains lost IPC_DECRYPTION_FAILED");
  expect(findFault(outcome(flipped, finished, [...fired.slice(1), "flip"]))).toBeUndefined();
  const incomplete = { codes: ["close IPC_CLOSE_INCOMPLETE"] };
  expect(findFault(outcome(incomplete))).toBe("nothing explains close IPC_CLOSE_INCOMPLETE");
  expect(findFault(outcome(incomplete, unfinished))).toBeUndefined();
  expect(findFault(outcome({ codes: ["read IPC_TIMED_OUT"] }))).toBe("nothing explains read IPC_TIMED_OUT");
});

it("rejects a run in which a planned fault has not happened", () => {
  const planned = plannedOf(finished);
  expect(findFault(outcome({}, finished, planned.slice(1)))).toBe(
    `${planned.length - 1} of ${planned.length} faults happened`,
  );
});
