import {
  createCipheriv,
  createECDH,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  type KeyObject,
  sign,
} from "node:crypto";

/** What two sides have, and which of it they use. */
export interface VectorPlan {
  readonly about: string;
  /** The last byte of what the client says in golang-ipc's handshake, in hex. */
  readonly select: string;
  /** The 12 bytes behind the length, unsealed, in hex. */
  readonly limitsPlaintext: string;
  readonly psk?: string;
  /** Seeds of Ed25519 keys, in hex. */
  readonly clientSeed?: string;
  readonly serverSeed?: string;
  readonly rekeyInterval: number;
  /** The plaintexts of the DATA records, in hex; after them comes a CLOSE. */
  readonly clientData: readonly string[];
  readonly serverData: readonly string[];
}

/** One record, all values but the numbers in hex. */
interface VectorRecord {
  readonly seq: number;
  readonly kind: number;
  readonly key: string;
  readonly nonce: string;
  readonly plaintext: string;
  readonly record: string;
}

/** A whole session, all values but the numbers in hex. */
export interface VectorSession extends VectorPlan {
  readonly limits: string;
  readonly transcriptHash: string;
  readonly prk: string;
  readonly clientIdentity?: string;
  readonly serverIdentity?: string;
  readonly client: readonly VectorRecord[];
  readonly server: readonly VectorRecord[];
}

/** The key pairs of the connection, as in ipcx-1.json. */
export interface VectorKeys {
  readonly clientPrivateKey: string;
  readonly clientPublicKey: string;
  readonly serverPublicKey: string;
}

const HELLO = "0201";
const REPLY = "00";
const LIMITS_NONCE = "000102030405060708090a0b";
const ED25519_SEED_PREFIX = "302e020100300506032b657004220420";
const AUTH = 1;
const DATA = 2;
const CLOSE = 3;

const bytes = (hex: string): Buffer => Buffer.from(hex, "hex");

/** Makes the session of a plan by docs/WIRE.md, with `node:crypto` and nothing of the library. */
export function makeVector(plan: VectorPlan, keys: VectorKeys): VectorSession {
  const ecdh = createECDH("secp384r1");
  ecdh.setPrivateKey(bytes(keys.clientPrivateKey));
  const x = ecdh.computeSecret(bytes(keys.serverPublicKey));
  const body = seal(createHash("sha256").update(x).digest(), bytes(LIMITS_NONCE), bytes(plan.limitsPlaintext));
  const limits = lengthPrefixed(Buffer.concat([bytes(LIMITS_NONCE), body]));
  const said = [
    bytes(HELLO),
    bytes(REPLY),
    bytes(keys.clientPublicKey),
    bytes(keys.serverPublicKey),
    limits,
    bytes(plan.select),
  ];
  const hashed = Buffer.concat([Buffer.from("ipcx/1 transcript"), ...said.map(lengthPrefixed)]);
  const transcriptHash = createHash("sha256").update(hashed).digest();
  const secret = Buffer.concat([x, plan.psk === undefined ? Buffer.alloc(32) : bytes(plan.psk)]);
  const derive = (label: string, length: number): Buffer =>
    Buffer.from(hkdfSync("sha256", secret, transcriptHash, `ipcx/1 ${label}`, length));
  const mode = bytes(plan.select).readUInt8();
  const signs = { client: (mode & 0b100) !== 0, server: (mode & 0b010) !== 0 };
  const seeds = { client: plan.clientSeed, server: plan.serverSeed };
  const recordsOf = (side: "client" | "server"): VectorRecord[] => {
    const id = signs[side] ? idOf(side, seeds[side] ?? "", transcriptHash) : Buffer.alloc(0);
    const letter = side === "client" ? "c" : "s";
    const mac = createHmac("sha256", derive(`${letter} auth`, 32))
      .update(transcriptHash)
      .update(id)
      .digest();
    const data = side === "client" ? plan.clientData : plan.serverData;
    return sealAll(derive(`${letter} key`, 32), derive(`${letter} iv`, 12), plan.rekeyInterval, [
      [AUTH, Buffer.concat([mac, id])],
      ...data.map((hex): [number, Buffer] => [DATA, bytes(hex)]),
      [CLOSE, Buffer.alloc(0)],
    ]);
  };
  return {
    ...plan,
    limits: limits.toString("hex"),
    transcriptHash: transcriptHash.toString("hex"),
    prk: createHmac("sha256", transcriptHash).update(secret).digest("hex"),
    ...(plan.clientSeed !== undefined && { clientIdentity: publicBytes(identityOf(plan.clientSeed)).toString("hex") }),
    ...(plan.serverSeed !== undefined && { serverIdentity: publicBytes(identityOf(plan.serverSeed)).toString("hex") }),
    client: recordsOf("client"),
    server: recordsOf("server"),
  };
}

function sealAll(key: Buffer, iv: Buffer, rekeyInterval: number, records: readonly [number, Buffer][]): VectorRecord[] {
  return records.map(([kind, plaintext], seq) => {
    if (seq > 0 && seq % rekeyInterval === 0) {
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

/** HKDF-Expand(key, "ipcx/1 rekey", 44). */
function rekey(key: Buffer): Buffer {
  const first = createHmac("sha256", key).update("ipcx/1 rekey").update(Buffer.of(1)).digest();
  const second = createHmac("sha256", key).update(first).update("ipcx/1 rekey").update(Buffer.of(2)).digest();
  return Buffer.concat([first, second]).subarray(0, 44);
}

function idOf(side: "client" | "server", seed: string, transcriptHash: Buffer): Buffer {
  const identity = identityOf(seed);
  const signature = sign(null, Buffer.concat([Buffer.from(`ipcx/1 ${side} sig`), transcriptHash]), identity);
  return Buffer.concat([publicBytes(identity), signature]);
}

function identityOf(seed: string): KeyObject {
  return createPrivateKey({ key: bytes(ED25519_SEED_PREFIX + seed), format: "der", type: "pkcs8" });
}

function publicBytes(identity: KeyObject): Buffer {
  return createPublicKey(identity).export({ format: "der", type: "spki" }).subarray(-32);
}

function seal(key: Buffer, nonce: Buffer, plaintext: Buffer, associated: Buffer = Buffer.alloc(0)): Buffer {
  const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: 16 }).setAAD(associated);
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

function lengthPrefixed(data: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  return Buffer.concat([length, data]);
}
