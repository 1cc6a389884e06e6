import { type Arbitrary, array, boolean, constant, constantFrom, integer, oneof, record } from "fast-check";
import type { Fault } from "./faulty-link.js";
import type { HostKind } from "./resume-host.js";

export type SideName = "server" | "client";

/** One step of a program of all sides and of the network between them. `of`: which of the peers, modulo their number. */
export type Step =
  | {
      readonly kind: "write";
      readonly side: SideName;
      readonly of: number;
      readonly bytes: number;
      readonly untilTaken: boolean;
    }
  | { readonly kind: "take"; readonly side: SideName; readonly of: number; readonly messages: number }
  | { readonly kind: "fault"; readonly of: number; readonly fault: Fault; readonly isNext: boolean }
  | { readonly kind: "turn"; readonly rounds: number }
  /** `late`: messages that the others write when it closes already. `isRead`: it has taken everything before. */
  | {
      readonly kind: "close";
      readonly side: SideName;
      readonly of: number;
      readonly late: number;
      readonly isRead: boolean;
    }
  | { readonly kind: "kill client"; readonly of: number }
  | {
      readonly kind:
        | "settle"
        | "release"
        | "expire at the server"
        | "expire"
        | "kill server"
        | "second client"
        | "evict";
    };

const side = constantFrom<SideName>("server", "client");
const of = integer({ min: 0, max: 5 });

/** The bytes of a handshake and what follows it: a fault may hit any of them. */
const MAX_FAULT_BYTES = 400;

/** The bytes that a client sends before its connection stands, at most. */
const MAX_HANDSHAKE_BYTES = 400;

const RARE = ["expire at the server", "expire", "kill server", "second client"] as const;

const stepOf = (kind: HostKind): Arbitrary<Step> =>
  oneof(
    {
      weight: 10,
      arbitrary: record({
        kind: constant("write" as const),
        side,
        of,
        bytes: oneof({ weight: 4, arbitrary: integer({ min: 8, max: 40 }) }, integer({ min: 8, max: 9_000 })),
        untilTaken: oneof({ weight: 4, arbitrary: constant(false) }, boolean()),
      }),
    },
    {
      weight: 6,
      arbitrary: record({ kind: constant("take" as const), side, of, messages: integer({ min: 1, max: 6 }) }),
    },
    {
      weight: 7,
      arbitrary: record({
        kind: constant("fault" as const),
        of,
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
    { weight: 1, arbitrary: record({ kind: constant("kill client" as const), of }) },
    {
      weight: 1,
      arbitrary: record({
        kind: constant("close" as const),
        side,
        of,
        late: integer({ min: 0, max: 3 }),
        isRead: boolean(),
      }),
    },
    // Only a manager has more sessions than may be without a connection.
    ...[...RARE, ...(kind === "manager" ? (["evict"] as const) : [])].map((rare) => ({
      weight: 1,
      arbitrary: constant<Step>({ kind: rare }),
    })),
  );

/** A connection fails, and so does the next one, in its handshake; what that one has sent arrives when a third one stands. */
const lateHandshake = (of: number, bytes: number): Step[] => [
  { kind: "settle" },
  { kind: "fault", of, isNext: true, fault: { kind: "hold", direction: "toServer", bytes } },
  { kind: "fault", of, isNext: false, fault: { kind: "cut", direction: "toServer", bytes: 0 } },
  { kind: "settle" },
  { kind: "release" },
];

/** Less than RESUME is long, so that one of the faults is in the middle of it. */
const LATE_STEP_BYTES = 25;

/** Handshakes that fail at one of many places, and go on late. Without the attempts, an old RESUME ends the connection of a later one. */
export const LATE_HANDSHAKES: readonly Step[] = Array.from(
  { length: MAX_HANDSHAKE_BYTES / LATE_STEP_BYTES },
  (_, index) => lateHandshake(0, (index + 1) * LATE_STEP_BYTES),
).flat();

const written: Step = { kind: "write", side: "client", of: 0, bytes: 20, untilTaken: false };

/**
 * A client leaves a connection, and its host does not notice, and has half a message; the rest comes when the session goes on over
 * another one. If the host does not end the old connection, it cannot continue the session, and ends each new one.
 */
export const HELD_CONNECTION: readonly Step[] = [
  written,
  { kind: "settle" },
  { kind: "fault", of: 0, isNext: false, fault: { kind: "hold", direction: "toServer", bytes: 10 } },
  written,
  { kind: "turn", rounds: 1 },
  written,
  { kind: "settle" },
  { kind: "release" },
  { kind: "take", side: "server", of: 0, messages: 3 },
];

/** Any program of both sides and of the network. */
export function programOf(kind: HostKind): Arbitrary<Step[]> {
  const steps = oneof(
    { weight: 30, arbitrary: stepOf(kind).map((one) => [one]) },
    {
      weight: 1,
      arbitrary: record({ of, bytes: integer({ min: 1, max: MAX_HANDSHAKE_BYTES }) }).map(({ of, bytes }) =>
        lateHandshake(of, bytes),
      ),
    },
  );
  return array(steps, { minLength: 5, maxLength: 40, size: "max" }).map((all) => all.flat());
}
