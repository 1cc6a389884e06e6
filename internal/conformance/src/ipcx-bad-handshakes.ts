import { hashName, makeP, makeSelect, NO_NAME } from "./ipcx-plans.js";
import { bytes, lengthPrefixed } from "./ipcx-primitives.js";
import { beforeLimits, beforeSelect, flip, type Refusal, sessionOf } from "./ipcx-refusal.js";
import { sealLimits } from "./ipcx-vectors.js";

const FAILED = "IPC_HANDSHAKE_FAILED";
const REFUSED = "IPC_SECURITY_REFUSED";
const ALL = "psk and signatures";

/** A server that gets this select. */
function select(about: string, session: string, sent: string, code: string, ends = false): Refusal {
  return { about, role: "server", session, received: beforeSelect(sessionOf(session)) + sent, ends, code };
}

/** A client that gets this P. */
function offer(about: string, session: string, P: string, code: string, answer?: string): Refusal {
  const received = beforeLimits(sessionOf(session)) + sealLimits(bytes(P)).toString("hex");
  return { about, role: "client", session, received, ends: false, ...(answer !== undefined && { answer }), code };
}

/** A client that gets these limits. */
function limits(about: string, sent: string, code: string): Refusal {
  return {
    about,
    role: "client",
    session: "psk",
    received: beforeLimits(sessionOf("psk")) + sent,
    ends: false,
    code,
  };
}

function first(role: Refusal["role"], about: string, received: string, code: string): Refusal {
  return { about, role, session: "psk", received, ends: false, code };
}

const { "server key": serverKey, "client key": clientKey, limits: goodLimits } = sessionOf("psk");
/** The P of a server that requires all three proofs. */
const P_OF_ALL = makeP("07", "87");
const cut = (length: number): string => P_OF_ALL.slice(0, 2 * length);

export const BAD_SELECTS: readonly Refusal[] = [
  select("select with an undefined bit, 0x88", "no keys", makeSelect("88"), FAILED),
  select("select with all undefined bits, 0xF8", "no keys", makeSelect("f8"), FAILED),
  select("select of a proof that was not offered, 0x82", "psk", makeSelect("82"), FAILED),
  select("select without a required proof, 0x86", ALL, makeSelect("86"), REFUSED),
  select("select 0x00 although require has 0x80", ALL, "00", REFUSED),
  select("select 0x7F although require has 0x80", ALL, "7f", REFUSED),
  select("select with maxMessageSize 0", "no keys", makeSelect("80", 0), FAILED),
  select("select with maxMessageSize 1 073 741 825", "no keys", makeSelect("80", 2 ** 30 + 1), FAILED),
  select("select with maxMessageSize 4 294 967 295", "no keys", makeSelect("80", 2 ** 32 - 1), FAILED),
  select("select of one byte, then the end", "no keys", "80", FAILED, true),
  select("select of eight bytes, then the end", "no keys", makeSelect("80").slice(0, 16), FAILED, true),
];

export const BAD_OFFERS: readonly Refusal[] = [
  ...[4, 5, 12, 47].map((length) => offer(`no offer: P has ${length} bytes`, ALL, cut(length), REFUSED, "00")),
  offer("no offer: the magic is wrong", ALL, flip(P_OF_ALL, 4), REFUSED, "00"),
  offer("no offer: its version is 2", ALL, `${P_OF_ALL.slice(0, 16)}02${P_OF_ALL.slice(18)}`, REFUSED, "00"),
  offer("offer without a proof that the client requires", ALL, makeP("06", "00"), REFUSED),
  offer("the same, and require has 0x80", ALL, makeP("06", "80"), REFUSED, "00"),
  offer("offer that requires a proof for which the client has no key", "no keys", makeP("01", "81"), REFUSED, "00"),
  offer("offer of a server of another name", "psk", makeP("01", "00", hashName("Orders")), REFUSED),
  offer(
    "offer of a server without a name, and the client requires its proofs",
    ALL,
    makeP("07", "87", NO_NAME),
    REFUSED,
    "00",
  ),
  offer("P with maxMessageSize 0", "psk", `00000000${makeP("01", "00").slice(8)}`, FAILED),
  offer("P with maxMessageSize 1 073 741 825", "psk", `40000001${makeP("01", "00").slice(8)}`, FAILED),
  limits("limits of 31 bytes, one too few for a sealed P", lengthPrefixed(Buffer.alloc(31)).toString("hex"), FAILED),
  limits("limits of 4 097 bytes", "00001001", FAILED),
  limits("limits whose tag is wrong", flip(goodLimits, -1), "IPC_DECRYPTION_FAILED"),
];

export const BAD_OPENINGS: readonly Refusal[] = [
  first("client", "hello of another version", "0301", "IPC_VERSION_MISMATCH"),
  first("client", "hello of a busy server", "02ff", "IPC_SERVER_BUSY"),
  first("client", "hello of an undefined mode", "0202", FAILED),
  first("client", "hello without encryption, and the client requires it", "0200", "IPC_ENCRYPTION_REFUSED"),
  first("client", "public key that starts with 0x05", `020105${serverKey.slice(2)}`, "IPC_PUBLIC_KEY_INVALID"),
  first("client", "public key that is no point", `0201${flip(serverKey, -1)}`, "IPC_PUBLIC_KEY_INVALID"),
  first("server", "reply 0x01", "01", "IPC_VERSION_MISMATCH"),
  first("server", "reply 0x02", "02", "IPC_ENCRYPTION_REFUSED"),
  first("server", "reply 0x04", "04", FAILED),
  first("server", "public key that starts with 0x02", `0002${clientKey.slice(2)}`, "IPC_PUBLIC_KEY_INVALID"),
  first("server", "public key that is no point", `00${flip(clientKey, -1)}`, "IPC_PUBLIC_KEY_INVALID"),
];
