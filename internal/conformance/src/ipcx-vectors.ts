import {
  agree,
  bytes,
  derive,
  golangIpcKey,
  hmac,
  identityOf,
  idOf,
  lengthPrefixed,
  pointOf,
  publicBytes,
  rekey,
  seal,
  sha256,
} from "./ipcx-primitives.js";

export type Role = "client" | "server";

/** What two sides have, and which of it they use; all values but the numbers in hex. */
export interface VectorPlan {
  readonly name: string;
  readonly about: string;
  /** The server's maxMessageSize and its offer, 48 bytes. */
  readonly P: string;
  /** 9 bytes. */
  readonly select: string;
  readonly psk?: string;
  /** Seeds of Ed25519 keys. */
  readonly "client seed"?: string;
  readonly "server seed"?: string;
  readonly "rekey interval": number;
  /** The plaintexts of the DATA records, after which comes a CLOSE. */
  readonly clientData: readonly string[];
  readonly serverData: readonly string[];
}

/** One record, all values but the numbers in hex. */
export interface VectorRecord {
  readonly seq: number;
  readonly kind: number;
  readonly key: string;
  readonly nonce: string;
  readonly plaintext: string;
  readonly record: string;
}

/** What both sides have when the handshake is over; names are those of docs/WIRE.md, values but the numbers are hex. */
type SessionKeys = ReturnType<typeof makeKeys>;

/** A whole session as in the file. */
export interface VectorSession extends SessionKeys {
  readonly "client records": readonly VectorRecord[];
  readonly "server records": readonly VectorRecord[];
}

export const CLIENT_PRIVATE_KEY =
  "7314971727cb0a77e90263e08b26fe027bfb08df33ed4b1e82676c85e18b9d330fed0bd042f2c41eac996e5320f31bc9";
const SERVER_PRIVATE_KEY =
  "0b587a16c6e91078cfd3e46f860c03f1e058842e0d786fcd31220ec5e367a94430f6f818bf72f14b71a8454055c6523c";
const LIMITS_NONCE = "000102030405060708090a0b";
const HELLO = "0201";
const REPLY = "00";

export const KIND = { auth: 1, data: 2, close: 3 } as const;

function makeKeys(plan: VectorPlan) {
  const { clientData: _client, serverData: _server, ...given } = plan;
  const [clientKey, serverKey] = [pointOf(CLIENT_PRIVATE_KEY), pointOf(SERVER_PRIVATE_KEY)];
  const x = agree(CLIENT_PRIVATE_KEY, serverKey);
  const limits = sealLimits(bytes(plan.P));
  const items = [bytes(HELLO), bytes(REPLY), clientKey, serverKey, limits, bytes(plan.select)];
  const th = sha256("ipcx/1 transcript", ...items.map(lengthPrefixed));
  const secret = Buffer.concat([x, plan.psk === undefined ? Buffer.alloc(32) : bytes(plan.psk)]);
  const keyed = (label: string, length: number): string =>
    derive(th, secret, `ipcx/1 ${label}`, length).toString("hex");
  return {
    ...given,
    hello: HELLO,
    reply: REPLY,
    "client private key": CLIENT_PRIVATE_KEY,
    "server private key": SERVER_PRIVATE_KEY,
    "client key": clientKey.toString("hex"),
    "server key": serverKey.toString("hex"),
    X: x.toString("hex"),
    "golang-ipc key": golangIpcKey(x).toString("hex"),
    P: plan.P,
    "limits nonce": LIMITS_NONCE,
    limits: limits.toString("hex"),
    select: plan.select,
    TH: th.toString("hex"),
    PRK: hmac(th, secret).toString("hex"),
    "c key": keyed("c key", 32),
    "c iv": keyed("c iv", 12),
    "c auth": keyed("c auth", 32),
    "s key": keyed("s key", 32),
    "s iv": keyed("s iv", 12),
    "s auth": keyed("s auth", 32),
    exporter: keyed("exporter", 32),
    ...nextIn("c", keyed("c key", 32)),
    ...nextIn("s", keyed("s key", 32)),
    ...identityIn(plan, "client"),
    ...identityIn(plan, "server"),
  };
}

/** Makes the session of a plan by docs/WIRE.md, with `node:crypto` and nothing of the library. */
export function makeVector(plan: VectorPlan): VectorSession {
  const keys = makeKeys(plan);
  const recordsOf = (role: Role, data: readonly string[]): VectorRecord[] =>
    sealRecords(keys, role, [
      [KIND.auth, authOf(keys, role)],
      ...data.map((hex): [number, Buffer] => [KIND.data, bytes(hex)]),
      [KIND.close, Buffer.alloc(0)],
    ]);
  return {
    ...keys,
    "client records": recordsOf("client", plan.clientData),
    "server records": recordsOf("server", plan.serverData),
  };
}

/** `length u32 ‖ nonce(12) ‖ AES-256-GCM(golang-ipc key, P)`. */
export function sealLimits(plaintext: Buffer): Buffer {
  const key = golangIpcKey(agree(CLIENT_PRIVATE_KEY, pointOf(SERVER_PRIVATE_KEY)));
  const nonce = bytes(LIMITS_NONCE);
  return lengthPrefixed(Buffer.concat([nonce, seal(key, nonce, plaintext)]));
}

/** The plaintext of a side's AUTH: `HMAC(auth, TH ‖ id) ‖ id`. */
export function authOf(session: SessionKeys, role: Role, id: Buffer = idIn(session, role)): Buffer {
  return Buffer.concat([hmac(bytes(session[role === "client" ? "c auth" : "s auth"]), bytes(session.TH), id), id]);
}

function idIn(session: SessionKeys, role: Role): Buffer {
  const signs = (bytes(session.select).readUInt8() & (role === "client" ? 0b100 : 0b010)) !== 0;
  const seed = session[`${role} seed`];
  return signs && seed !== undefined ? idOf(role, seed, bytes(session.TH)) : Buffer.alloc(0);
}

/** Seals a side's records in this order, from seq 0 on. */
export function sealRecords(
  session: SessionKeys,
  role: Role,
  records: readonly (readonly [kind: number, plaintext: Buffer])[],
): VectorRecord[] {
  const side = role === "client" ? "c" : "s";
  let [key, iv] = [bytes(session[`${side} key`]), bytes(session[`${side} iv`])];
  return records.map(([kind, plaintext], seq) => {
    if (seq > 0 && seq % session["rekey interval"] === 0) {
      const output = rekey(key);
      [key, iv] = [output.subarray(0, 32), output.subarray(32)];
    }
    const nonce = Buffer.from(iv);
    nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ seq) >>> 0, 8);
    const header = Buffer.alloc(4);
    header.writeUInt8(kind);
    header.writeUIntBE(plaintext.length + 16, 1, 3);
    return {
      seq,
      kind,
      key: key.toString("hex"),
      nonce: nonce.toString("hex"),
      plaintext: plaintext.toString("hex"),
      record: Buffer.concat([header, seal(key, nonce, plaintext, header)]).toString("hex"),
    };
  });
}

/** The key and the iv that replace the first ones. */
function nextIn<Side extends "c" | "s">(side: Side, key: string): Record<`next ${Side} ${"key" | "iv"}`, string> {
  const output = rekey(bytes(key)).toString("hex");
  return { [`next ${side} key`]: output.slice(0, 64), [`next ${side} iv`]: output.slice(64) } as ReturnType<
    typeof nextIn<Side>
  >;
}

function identityIn(plan: VectorPlan, role: Role): Partial<Record<`${Role} identity`, string>> {
  const seed = plan[`${role} seed`];
  return seed === undefined ? {} : { [`${role} identity`]: publicBytes(identityOf(seed)).toString("hex") };
}
