import { createDecipheriv, createECDH, createHash, createHmac, hkdfSync } from "node:crypto";

/** All that two peers of `ipcx/1` have sent each other, and what one must know to read it. */
export interface Overheard {
  readonly clientToServer: Uint8Array;
  readonly serverToClient: Uint8Array;
  /** 48 bytes: the client's private key of this connection. */
  readonly clientScalar: Uint8Array;
  /** 32 bytes. */
  readonly psk?: Uint8Array;
  readonly rekeyInterval?: number;
}

/** A record that has been opened, in hex. */
interface OpenedRecord {
  readonly kind: number;
  readonly key: string;
  readonly nonce: string;
  readonly plaintext: string;
}

/** What was read. */
export interface ReadSession {
  /** The plaintext of the server's limits, in hex. */
  readonly limits: string;
  readonly transcriptHash: string;
  readonly client: readonly OpenedRecord[];
  readonly server: readonly OpenedRecord[];
}

const HEADER_BYTES = 4;
const KEY_BYTES = 97;

/** Where the client's records begin: after the reply, the key and the select of 9 bytes. */
const RECORDS_AT = 1 + KEY_BYTES + 9;

/**
 * Reads a whole session by docs/WIRE.md, with `node:crypto` and nothing of the library: what it can read, others can.
 * Throws where a tag is wrong.
 */
export function readSession(heard: Overheard): ReadSession {
  const [client, server] = [Buffer.from(heard.clientToServer), Buffer.from(heard.serverToClient)];
  const [reply, clientKey, select] = [client.subarray(0, 1), client.subarray(1, 98), client.subarray(98, RECORDS_AT)];
  const [hello, serverKey] = [server.subarray(0, 2), server.subarray(2, 2 + KEY_BYTES)];
  const limitsEnd = 99 + 4 + server.readUInt32BE(99);
  const limits = server.subarray(99, limitsEnd);

  const ecdh = createECDH("secp384r1");
  ecdh.setPrivateKey(heard.clientScalar);
  const x = ecdh.computeSecret(serverKey);
  const hash = createHash("sha256").update("ipcx/1 transcript");
  for (const item of [hello, reply, clientKey, serverKey, limits, select]) hash.update(u32(item.length)).update(item);
  const transcriptHash = hash.digest();
  const secret = Buffer.concat([x, heard.psk ?? Buffer.alloc(32)]);
  const derive = (label: string, bytes: number): Buffer =>
    Buffer.from(hkdfSync("sha256", secret, transcriptHash, `ipcx/1 ${label}`, bytes));
  const open = (side: "c" | "s", records: Buffer): OpenedRecord[] =>
    openRecords(records, derive(`${side} key`, 32), derive(`${side} iv`, 12), heard.rekeyInterval ?? 2 ** 20);
  return {
    limits: openLimits(limits.subarray(4), x).toString("hex"),
    transcriptHash: transcriptHash.toString("hex"),
    client: open("c", client.subarray(RECORDS_AT)),
    server: open("s", server.subarray(limitsEnd)),
  };
}

function openRecords(records: Buffer, key: Buffer, iv: Buffer, rekeyInterval: number): OpenedRecord[] {
  const opened: OpenedRecord[] = [];
  for (let at = 0, seq = 0; at < records.length; seq++) {
    if (seq > 0 && seq % rekeyInterval === 0) {
      const first = createHmac("sha256", key).update("ipcx/1 rekey\x01").digest();
      const second = createHmac("sha256", key).update(first).update("ipcx/1 rekey\x02").digest();
      [key, iv] = [first, second.subarray(0, 12)];
    }
    const header = records.subarray(at, at + HEADER_BYTES);
    const sealed = records.subarray(at + HEADER_BYTES, at + HEADER_BYTES + header.readUIntBE(1, 3));
    const nonce = Buffer.from(iv);
    nonce.writeBigUInt64BE(nonce.readBigUInt64BE(4) ^ BigInt(seq), 4);
    const plaintext = decrypt(key, nonce, sealed, header);
    opened.push({
      kind: header.readUInt8(),
      key: key.toString("hex"),
      nonce: nonce.toString("hex"),
      plaintext: plaintext.toString("hex"),
    });
    at += HEADER_BYTES + sealed.length;
  }
  return opened;
}

function openLimits(body: Buffer, x: Buffer): Buffer {
  const stripped = x.subarray(x.findIndex((byte) => byte !== 0));
  return decrypt(createHash("sha256").update(stripped).digest(), body.subarray(0, 12), body.subarray(12), Buffer.of());
}

function decrypt(key: Buffer, nonce: Buffer, sealed: Buffer, associated: Buffer): Buffer {
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: 16 });
  decipher.setAAD(associated).setAuthTag(sealed.subarray(-16));
  return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
