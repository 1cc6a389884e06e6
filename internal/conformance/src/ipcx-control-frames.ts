import { PLAIN } from "./ipcx-plans.js";
import { bytes, lengthPrefixed } from "./ipcx-primitives.js";
import { beforeRecords, type Refusal, sessionOf } from "./ipcx-refusal.js";
import { authOf, KIND, type Role, sealRecords } from "./ipcx-vectors.js";

/** One control frame that a receiver takes; all values but `about` are hex. */
interface ControlVector {
  readonly about: string;
  readonly frame: string;
  /** The frame that the receiver sends for it; undefined: nothing. */
  readonly answer?: string;
  /** The frame as the first DATA of the session `psk`, from either side. */
  readonly "client record": string;
  readonly "server record": string;
}

const INVALID = "IPC_RECORD_INVALID";
const COUNTS = "00".repeat(16);

/** A frame of type 0 with this data, in hex. */
function frameOf(data: string): string {
  return lengthPrefixed(bytes(`00000000${data}`)).toString("hex");
}

/** What comes before this side's first DATA, and the record of `frame` itself. */
function recordOf(role: Role, frame: string): readonly [auth: string, data: string] {
  const session = sessionOf("psk");
  const [auth, data] = sealRecords(session, role, [
    [KIND.auth, authOf(session, role)],
    [KIND.data, bytes(frame)],
  ]);
  return [auth?.record ?? "", data?.record ?? ""];
}

function control(about: string, data: string, answer?: string): ControlVector {
  const frame = frameOf(data);
  return {
    about,
    frame,
    ...(answer !== undefined && { answer: frameOf(answer) }),
    "client record": recordOf("client", frame)[1],
    "server record": recordOf("server", frame)[1],
  };
}

export const CONTROL_FRAMES: readonly ControlVector[] = [
  control("PING 263", "0100000107", "0200000107"),
  control("PONG 263", "0200000107"),
  control("PING 4 294 967 295", "01ffffffff", "02ffffffff"),
  control("PONG 4 294 967 295", "02ffffffff"),
  control("GOAWAY, closing", `0300${COUNTS}`),
  control("GOAWAY, draining, 2 received and 1 taken", "030100000000000000020000000000000001"),
  control("GOAWAY, busy", `0302${COUNTS}`),
  control("GOAWAY, key withdrawn", `0303${COUNTS}`),
  control("GOAWAY with an unknown reason, ignored", `0304${COUNTS}`),
  control("an unknown op, ignored", "00"),
  control("an unknown op of 128 bytes, ignored", `7f${"ff".repeat(127)}`),
];

/** Data of control frames that every receiver refuses. */
const BAD: readonly (readonly [about: string, data: string])[] = [
  ["a control frame without data", ""],
  ["a control frame of 129 bytes", `7f${"00".repeat(128)}`],
  ["a PING of 4 bytes", "01000001"],
  ["a PING of 6 bytes", "010000010700"],
  ["a PONG of 4 bytes", "02000001"],
  ["a PONG of 6 bytes", "020000010700"],
  ["a GOAWAY of 17 bytes", `0300${COUNTS.slice(2)}`],
  ["a GOAWAY of 19 bytes", `0300${COUNTS}00`],
];

/** What the side `role` refuses of control frames, in a secure session and without encryption. */
export function badControlFrames(role: Role): readonly Refusal[] {
  const sender = role === "client" ? "server" : "client";
  const secure = BAD.map(
    ([about, data]): Refusal => ({
      about,
      role,
      session: "psk",
      received: beforeRecords(sessionOf("psk"), role) + recordOf(sender, frameOf(data)).join(""),
      ends: false,
      code: INVALID,
    }),
  );
  const handshake = role === "client" ? PLAIN.hello + PLAIN.limits : PLAIN.reply + PLAIN.select;
  const plain = (about: string, frames: string, code: string, ends = false): Refusal => ({
    about: `${about}, without encryption`,
    role,
    session: PLAIN.name,
    received: handshake + frames,
    ends,
    code,
  });
  const [message = ""] = PLAIN[`${sender} messages`];
  return [
    ...secure,
    ...BAD.map(([about, data]) => plain(about, frameOf(data), INVALID)),
    plain("the end without GOAWAY", message, "IPC_FRAME_TRUNCATED", true),
    plain("GOAWAY of another reason than closing, and the end", frameOf(`0301${COUNTS}`), "IPC_FRAME_TRUNCATED", true),
    plain("GOAWAY and the end within a frame", `${frameOf(`0300${COUNTS}`)}0000`, "IPC_FRAME_TRUNCATED", true),
  ];
}
