import { type Arbitrary, array, boolean, constant, constantFrom, integer, oneof, record } from "fast-check";
import type { SideName, Step } from "./resume-world.js";

const side = constantFrom<SideName>("server", "client");

/** The bytes of a handshake and what follows it: a fault may hit any of them. */
const MAX_FAULT_BYTES = 400;

/** What a client sends before its connection stands. */
const MAX_HANDSHAKE_BYTES = 250;

const step: Arbitrary<Step> = oneof(
  {
    weight: 10,
    arbitrary: record({
      kind: constant("write" as const),
      side,
      bytes: oneof({ weight: 4, arbitrary: integer({ min: 8, max: 40 }) }, integer({ min: 8, max: 9_000 })),
      untilTaken: oneof({ weight: 4, arbitrary: constant(false) }, boolean()),
    }),
  },
  { weight: 6, arbitrary: record({ kind: constant("take" as const), side, messages: integer({ min: 1, max: 6 }) }) },
  {
    weight: 7,
    arbitrary: record({
      kind: constant("fault" as const),
      isNext: boolean(),
      fault: record({
        kind: constantFrom("cut" as const, "hold" as const),
        direction: constantFrom("toServer" as const, "toClient" as const),
        bytes: oneof(constant(0), integer({ min: 1, max: MAX_FAULT_BYTES })),
      }),
    }),
  },
  { weight: 6, arbitrary: record({ kind: constant("turn" as const), rounds: integer({ min: 1, max: 8 }) }) },
  { weight: 4, arbitrary: constant<Step>({ kind: "settle" }) },
  { weight: 2, arbitrary: constant<Step>({ kind: "release" }) },
  ...(["expire at the server", "expire", "kill server", "kill client"] as const).map((kind) => ({
    weight: 1,
    arbitrary: constant<Step>({ kind }),
  })),
);

/** A connection fails, and so does the next one, in its handshake; what that one has sent arrives when a third one stands. */
const lateHandshake: Arbitrary<Step[]> = integer({ min: 1, max: MAX_HANDSHAKE_BYTES }).map((bytes) => [
  { kind: "settle" },
  { kind: "fault", isNext: true, fault: { kind: "hold", direction: "toServer", bytes } },
  { kind: "fault", isNext: false, fault: { kind: "cut", direction: "toServer", bytes: 0 } },
  { kind: "settle" },
  { kind: "release" },
]);

const steps: Arbitrary<Step[]> = oneof(
  { weight: 30, arbitrary: step.map((one) => [one]) },
  { weight: 1, arbitrary: lateHandshake },
);

/** Any program of both sides and of the network. */
export const program: Arbitrary<Step[]> = array(steps, { minLength: 5, maxLength: 40, size: "max" }).map((all) =>
  all.flat(),
);
