import { createSecretKey, hkdfSync, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { deriveSharedSecret, keyPairFromScalar } from "./key-exchange.js";
import { deriveSessionKeys, extract, importPsk, rekey } from "./key-schedule.js";
import { MessageCipher } from "./message-cipher.js";
import { hashTranscript, makeAuth, verifyAuth } from "./peer-auth.js";
import { RecordDecoder } from "./record-decoder.js";
import { decodeRecordHeader, RECORD_KIND } from "./record-header.js";
import { RecordOpener } from "./record-opener.js";
import { RecordSealer } from "./record-sealer.js";

/** key-exchange.test.ts has the vectors of the key exchange itself. */
interface Vectors {
  readonly keyExchange: Record<"clientPrivateKey" | "clientPublicKey" | "serverPublicKey" | "legacyKey", string>;
  readonly handshake: Record<
    "hello" | "reply1" | "psk" | "limitsPlaintext" | "limitsLengthAndBody" | "select" | "transcriptHash",
    string
  >;
  readonly schedule: {
    readonly prk: string;
    readonly client: Record<"key" | "iv" | "auth", string>;
    readonly server: Record<"key" | "iv" | "auth", string>;
    readonly exporter: string;
    readonly clientKeyIvAfterFirstRekey: string;
  };
  readonly records: Record<"clientAuthSeq0" | "serverAuthSeq0" | "clientDataSeq1", string>;
}

const file = new URL("../../../internal/conformance/vectors/ipcx-1.json", import.meta.url);
const { keyExchange, handshake, schedule, records } = JSON.parse(readFileSync(file, "utf8")) as Vectors;

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
const hexOf = (data: Uint8Array | KeyObject): string =>
  Buffer.from(data instanceof Uint8Array ? data : data.export()).toString("hex");

const sharedSecret = deriveSharedSecret(
  keyPairFromScalar(bytes(keyExchange.clientPrivateKey)).privateKey,
  bytes(keyExchange.serverPublicKey),
);
const transcriptHash = hashTranscript({
  hello: bytes(handshake.hello),
  reply: bytes(handshake.reply1),
  clientPublicKey: bytes(keyExchange.clientPublicKey),
  serverPublicKey: bytes(keyExchange.serverPublicKey),
  limits: bytes(handshake.limitsLengthAndBody),
  select: bytes(handshake.select),
});
/** Anew each time: a sealer takes its keys for itself. */
const keys = () => deriveSessionKeys(transcriptHash, sharedSecret, importPsk(bytes(handshake.psk)));

/** `length u32 ‖ type u32 ‖ data`: type 5 and the data `hi`. */
const FRAME = "00000006000000056869";

describe("the golden session of ipcx/1 has", () => {
  test("limits that carry the offer, sealed as golang-ipc seals them", () => {
    const nonces = { next: (target: Uint8Array) => target.set(bytes("000102030405060708090a0b")) };
    const cipher = new MessageCipher(createSecretKey(bytes(keyExchange.legacyKey)), { nonces });
    const body = hexOf(cipher.seal(bytes(handshake.limitsPlaintext)));
    expect(`00000028${body}`).toBe(handshake.limitsLengthAndBody);
  });

  test("its transcript's hash", () => {
    expect(hexOf(transcriptHash)).toBe(handshake.transcriptHash);
  });

  test("its secret, from X and the psk", () => {
    expect(hexOf(extract(transcriptHash, sharedSecret, bytes(handshake.psk)))).toBe(schedule.prk);
    const whole = Buffer.concat([sharedSecret, bytes(handshake.psk)]);
    const key = hkdfSync("sha256", whole, bytes(handshake.transcriptHash), "ipcx/1 c key", 32);
    expect(hexOf(new Uint8Array(key))).toBe(schedule.client.key);
  });

  test("its seven keys", () => {
    const { client, server, exporter } = keys();
    const hexes = ({ key, iv, auth }: typeof client) => ({ key: hexOf(key), iv: hexOf(iv), auth: hexOf(auth) });
    expect({ client: hexes(client), server: hexes(server), exporter: hexOf(exporter) }).toEqual({
      client: schedule.client,
      server: schedule.server,
      exporter: schedule.exporter,
    });
  });

  test("the client's key and iv after its first rekeying", () => {
    const { key, iv } = rekey(keys().client);
    expect(hexOf(key) + hexOf(iv)).toBe(schedule.clientKeyIvAfterFirstRekey);
  });

  test("the client's AUTH and its first DATA", () => {
    const { client } = keys();
    const sealer = new RecordSealer(client);
    const auth = makeAuth({ role: "client", key: client.auth, transcriptHash });
    expect(hexOf(sealer.seal(RECORD_KIND.auth, [auth]))).toBe(records.clientAuthSeq0);
    expect(hexOf(sealer.seal(RECORD_KIND.data, [bytes(FRAME)]))).toBe(records.clientDataSeq1);
  });

  test("the server's AUTH", () => {
    const { server } = keys();
    const auth = makeAuth({ role: "server", key: server.auth, transcriptHash });
    expect(hexOf(new RecordSealer(server).seal(RECORD_KIND.auth, [auth]))).toBe(records.serverAuthSeq0);
  });
});

describe("the golden records open", () => {
  test.each(["client", "server"] as const)("the %s's AUTH, with the key of that side and no other", (role) => {
    const record = bytes(records[`${role}AuthSeq0`]);
    const header = decodeRecordHeader(record.subarray(0, 4), RECORD_KIND.auth);
    expect(header.length).toBe(record.length - 4);
    const sealed = { kind: header.kind, sealed: record.subarray(4) };
    const [own, others] = role === "client" ? [keys().client, keys().server] : [keys().server, keys().client];

    const body = new RecordOpener(own).open(sealed);
    expect(verifyAuth({ role, key: own.auth, transcriptHash }, body)).toBeUndefined();
    expect(() => verifyAuth({ role, key: others.auth, transcriptHash }, body)).toThrow("does not match this handshake");
    expect(() => new RecordOpener(others).open(sealed)).toThrow("invalid tag");
  });

  test("the client's stream, byte by byte, up to its frame", () => {
    const { client } = keys();
    const [reader, opener] = [new RecordDecoder(), new RecordOpener(client)];
    const opened: string[] = [];
    for (const byte of bytes(records.clientAuthSeq0 + records.clientDataSeq1)) {
      reader.push(Uint8Array.of(byte));
      const record = reader.next();
      if (record !== undefined) opened.push(`${record.kind} ${hexOf(opener.open(record))}`);
    }
    const auth = hexOf(makeAuth({ role: "client", key: client.auth, transcriptHash }));
    expect(opened).toEqual([`1 ${auth}`, `2 ${FRAME}`]);
  });

  test("not without the psk", () => {
    const { client } = deriveSessionKeys(transcriptHash, sharedSecret);
    const sealed = { kind: RECORD_KIND.auth, sealed: bytes(records.clientAuthSeq0).subarray(4) };
    expect(() => new RecordOpener(client).open(sealed)).toThrow("give both sides the same pre-shared key");
  });
});
