import { PLANS } from "./ipcx-plans.js";
import { bytes, hmac, idOf } from "./ipcx-primitives.js";
import { beforeRecords, flip, type Refusal, sessionOf } from "./ipcx-refusal.js";
import { authOf, KIND, makeVector, type Role, sealRecords, type VectorSession } from "./ipcx-vectors.js";

const NOT_PROVED = "IPC_AUTHENTICATION_FAILED";
const INVALID = "IPC_RECORD_INVALID";
const ALTERED = "IPC_DECRYPTION_FAILED";
const CUT = "IPC_RECORD_TRUNCATED";
const NOTHING = Buffer.alloc(0);
const FRAME = bytes("00000006000000056869");

type Sealed = readonly (readonly [kind: number, plaintext: Buffer])[];

const other = (role: Role): Role => (role === "client" ? "server" : "client");

const join = (session: VectorSession, sender: Role, records: Sealed): string =>
  sealRecords(session, sender, records)
    .map(({ record }) => record)
    .join("");

/** What one side refuses after a handshake without a fault, up to the peer's first record. */
function refusals(role: Role, name: string): (about: string, records: string, code: string, ends?: boolean) => Refusal {
  const session = sessionOf(name);
  return (about, records, code, ends = false) => ({
    about,
    role,
    session: name,
    received: beforeRecords(session, role) + records,
    ends,
    code,
  });
}

/** AUTHs that the side `role` refuses. */
export function badAuths(role: Role): readonly Refusal[] {
  const sender = other(role);
  const letter = sender === "client" ? "c" : "s";
  const [psk, signed] = [sessionOf("psk"), sessionOf("signatures")];
  const [keyed, signing] = [refusals(role, "psk"), refusals(role, "signatures")];
  const th = bytes(signed.TH);
  const seed = signed[`${sender} seed`] ?? "";
  const auth = (session: VectorSession, plaintext: Buffer): string => join(session, sender, [[KIND.auth, plaintext]]);
  const withId = (id: Buffer): string => auth(signed, authOf(signed, sender, id));
  const good = authOf(psk, sender);
  const [plan] = PLANS.filter(({ name }) => name === "psk");
  if (plan === undefined) throw new Error("no session psk");
  const otherPsk = makeVector({ ...plan, psk: "00".repeat(31).concat("01") });
  const goodRecord = psk[`${sender} records`][0]?.record ?? "";
  return [
    keyed("AUTH with a wrong HMAC", auth(psk, bytes(flip(good.toString("hex"), 0))), NOT_PROVED),
    keyed(
      "AUTH whose HMAC has the key of the other direction",
      auth(psk, hmac(bytes(psk[letter === "c" ? "s auth" : "c auth"]), bytes(psk.TH))),
      NOT_PROVED,
    ),
    keyed("AUTH one byte short, 31 bytes of plaintext", auth(psk, good.subarray(0, 31)), NOT_PROVED),
    keyed("AUTH one byte long, 33 bytes of plaintext", auth(psk, Buffer.concat([good, Buffer.of(0)])), NOT_PROVED),
    keyed("AUTH with a wrong tag", flip(goodRecord, -1), NOT_PROVED),
    keyed("AUTH under another psk", otherPsk[`${sender} records`][0]?.record ?? "", NOT_PROVED),
    keyed("AUTH of the other side, reflected", psk[`${role} records`][0]?.record ?? "", NOT_PROVED),
    keyed(
      "AUTH with a signature that was not selected",
      auth(psk, authOf(psk, sender, idOf(sender, seed, bytes(psk.TH)))),
      NOT_PROVED,
    ),
    keyed("AUTH of length 15", "0100000f", INVALID),
    keyed("AUTH of length 513", "01000201", INVALID),
    keyed("DATA in the place of AUTH", join(psk, sender, [[KIND.data, FRAME]]), INVALID),
    keyed("CLOSE in the place of AUTH", join(psk, sender, [[KIND.close, NOTHING]]), INVALID),
    signing("AUTH that is not signed although it was selected", withId(NOTHING), NOT_PROVED),
    signing("AUTH signed with the label of the other side", withId(idOf(role, seed, th)), NOT_PROVED),
    signing("AUTH signed for another transcript", withId(idOf(sender, seed, bytes(psk.TH))), NOT_PROVED),
    signing("AUTH signed by a key that is not trusted", withId(idOf(sender, "99".repeat(32), th)), NOT_PROVED),
    signing("AUTH with a wrong signature", withId(bytes(flip(idOf(sender, seed, th).toString("hex"), -1))), NOT_PROVED),
    ...(role === "server" ? changedSelects(goodRecord) : []),
  ];
}

/** Selects that were changed on the way: the client's AUTH is of another transcript. */
function changedSelects(auth: string): readonly Refusal[] {
  const session = sessionOf("psk");
  const before = session.reply + session["client key"];
  const changed = (about: string, at: number): Refusal => ({
    about,
    role: "server",
    session: "psk",
    received: before + flip(session.select, at) + auth,
    ends: false,
    code: NOT_PROVED,
  });
  return [
    changed("select whose features were changed on the way", 2),
    changed("select whose zero bytes were changed on the way", 4),
    changed("select whose maxMessageSize was changed on the way", 8),
  ];
}

/** Records after an AUTH without a fault that the side `role` refuses. */
export function badRecords(role: Role): readonly Refusal[] {
  const sender = other(role);
  const session = sessionOf("psk");
  const refuse = refusals(role, "psk");
  const auth: Sealed = [[KIND.auth, authOf(session, sender)]];
  const head = join(session, sender, auth);
  const after = (...records: Sealed): string => join(session, sender, [...auth, ...records]);
  /** Only the records from `seq` on, after AUTH. */
  const from = (seq: number, ...records: Sealed): string =>
    head +
    sealRecords(session, sender, [...auth, ...records])
      .slice(seq)
      .map(({ record }) => record)
      .join("");
  const data: Sealed[number] = [KIND.data, FRAME];
  const one = after(data);
  const record = one.slice(head.length);
  const rekeying = sessionOf("rekeying");
  return [
    ...["00", "04", "ff"].map((kind) => refuse(`record of kind 0x${kind}`, `${head}${kind}000011`, INVALID)),
    refuse("a second AUTH", after(...auth), INVALID),
    refuse("DATA without plaintext, length 16", after([KIND.data, NOTHING]), INVALID),
    refuse("DATA of length 262 161", `${head}02040011`, INVALID),
    refuse("CLOSE of length 15", `${head}0300000f`, INVALID),
    refuse("CLOSE of length 17", `${head}03000011`, INVALID),
    refuse("DATA behind CLOSE", after([KIND.close, NOTHING], data), INVALID),
    refuse("a second CLOSE", after([KIND.close, NOTHING], [KIND.close, NOTHING]), INVALID),
    refuse("DATA twice, a replay", one + record, ALTERED),
    refuse("DATA after one that is missing", from(2, data, data), ALTERED),
    refuse(
      "DATA of the other side, reflected",
      head + join(session, role, [[KIND.auth, authOf(session, role)], data]).slice(head.length),
      ALTERED,
    ),
    refuse("DATA with a wrong tag", flip(one, -1), ALTERED),
    refuse("DATA with one bit of its ciphertext changed", flip(one, head.length / 2 + 4), ALTERED),
    refuse("DATA whose length is one too few", `${head}02000019${record.slice(8)}`, ALTERED),
    refuse("DATA whose length is one too many", `${head}0200001b${record.slice(8)}00`, ALTERED),
    refuse("CLOSE with a wrong tag", flip(after([KIND.close, NOTHING]), -1), ALTERED),
    refuse("the end without CLOSE", one, CUT, true),
    refuse("the end within a header", `${one}0200`, CUT, true),
    refuse("the end within a record", one.slice(0, -2), CUT, true),
    refuse(
      "CLOSE and the end within a frame",
      after([KIND.data, FRAME.subarray(0, 9)], [KIND.close, NOTHING]),
      "IPC_FRAME_TRUNCATED",
      true,
    ),
    refuse("a frame of length 3", after([KIND.data, bytes("00000003000000")]), "IPC_FRAME_TOO_SHORT"),
    refuse(
      "a frame longer than the receiver takes",
      after([KIND.data, bytes("0030000500000001")]),
      "IPC_FRAME_TOO_LARGE",
    ),
    {
      ...refuse("DATA under a key that should have been replaced", "", ALTERED),
      session: "rekeying",
      received:
        beforeRecords(rekeying, role) +
        join({ ...rekeying, "rekey interval": 2 ** 20 }, sender, [[KIND.auth, authOf(rekeying, sender)], data, data]),
    },
  ];
}
