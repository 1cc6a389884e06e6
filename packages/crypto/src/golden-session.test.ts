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

/** The session `psk` of the vectors; key-exchange.test.ts has those of the key exchange itself. */
interface Vectors {
  readonly sessions: readonly (Readonly<
    Record<"name" | "hello" | "reply" | "psk" | "P" | "limits nonce" | "limits" | "select" | "TH" | "PRK", string>
  > &
    Readonly<Record<"client private key" | "client key" | "server key" | "golang-ipc key" | "exporter", string>> &
    Readonly<Record<`${"c" | "s"} ${"key" | "iv" | "auth"}` | `next ${"c" | "s"} ${"key" | "iv"}`, string>> &
    Readonly<Record<"client records" | "server records", readonly { readonly record: string }[]>>)[];
}

const file = new URL("../../../internal/conformance/vectors/ipcx-1.json", import.meta.url);
const { sessions } = JSON.parse(readFileSync(file, "utf8")) as Vectors;
const found = sessions.find(({ name }) => name === "psk");
if (found === undefined) throw new Error("the vectors have no session psk");
const golden = found;
const [clientAuth = "", clientData = ""] = golden["client records"].map(({ record }) => record);
const [serverAuth = ""] = golden["server records"].map(({ record }) => record);

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
const hexOf = (data: Uint8Array | KeyObject): string =>
  Buffer.from(data instanceof Uint8Array ? data : data.export()).toString("hex");

const sharedSecret = deriveSharedSecret(
  keyPairFromScalar(bytes(golden["client private key"])).privateKey,
  bytes(golden["server key"]),
);
const transcriptHash = hashTranscript({
  hello: bytes(golden.hello),
  reply: bytes(golden.reply),
  clientPublicKey: bytes(golden["client key"]),
  serverPublicKey: bytes(golden["server key"]),
  limits: bytes(golden.limits),
  select: bytes(golden.select),
});
/** Anew each time: a sealer takes its keys for itself. */
const keys = () => deriveSessionKeys(transcriptHash, sharedSecret, importPsk(bytes(golden.psk)));

/** `length u32 ‖ type u32 ‖ data`: type 5 and the data `hi`. */
const FRAME = "00000006000000056869";

describe("the golden session of ipcx/1 has", () => {
  test("a limits message with the offer, sealed as golang-ipc seals it", () => {
    const nonces = { next: (target: Uint8Array) => target.set(bytes(golden["limits nonce"])) };
    const cipher = new MessageCipher(createSecretKey(bytes(golden["golang-ipc key"])), { nonces });
    const body = hexOf(cipher.seal(bytes(golden.P)));
    expect(`0000004c${body}`).toBe(golden.limits);
  });

  test("the recorded transcript hash", () => {
    expect(hexOf(transcriptHash)).toBe(golden.TH);
  });

  test("the recorded secret, derived from X and the psk", () => {
    expect(hexOf(extract(transcriptHash, sharedSecret, bytes(golden.psk)))).toBe(golden.PRK);
    const whole = Buffer.concat([sharedSecret, bytes(golden.psk)]);
    const key = hkdfSync("sha256", whole, bytes(golden.TH), "ipcx/1 c key", 32);
    expect(hexOf(new Uint8Array(key))).toBe(golden["c key"]);
  });

  test("the seven recorded keys", () => {
    const { client, server, exporter } = keys();
    const hexes = ({ key, iv, auth }: typeof client) => ({ key: hexOf(key), iv: hexOf(iv), auth: hexOf(auth) });
    expect({ client: hexes(client), server: hexes(server), exporter: hexOf(exporter) }).toEqual({
      client: { key: golden["c key"], iv: golden["c iv"], auth: golden["c auth"] },
      server: { key: golden["s key"], iv: golden["s iv"], auth: golden["s auth"] },
      exporter: golden.exporter,
    });
  });

  test.each([
    ["client", "c"],
    ["server", "s"],
  ] as const)("the %s's recorded key and iv after its first rekeying", (role, side) => {
    const { key, iv } = rekey(keys()[role]);
    expect([hexOf(key), hexOf(iv)]).toEqual([golden[`next ${side} key`], golden[`next ${side} iv`]]);
  });

  test("the recorded client AUTH and first DATA, sealed byte for byte", () => {
    const { client } = keys();
    const sealer = new RecordSealer(client);
    const auth = makeAuth({ role: "client", key: client.auth, transcriptHash });
    expect(hexOf(sealer.seal(RECORD_KIND.auth, [auth]))).toBe(clientAuth);
    expect(hexOf(sealer.seal(RECORD_KIND.data, [bytes(FRAME)]))).toBe(clientData);
  });

  test("the recorded server AUTH, sealed byte for byte", () => {
    const { server } = keys();
    const auth = makeAuth({ role: "server", key: server.auth, transcriptHash });
    expect(hexOf(new RecordSealer(server).seal(RECORD_KIND.auth, [auth]))).toBe(serverAuth);
  });
});

describe("the opener opens", () => {
  test.each(["client", "server"] as const)(
    "the golden AUTH of the %s with that side's key and with no other",
    (role) => {
      const record = bytes(role === "client" ? clientAuth : serverAuth);
      const header = decodeRecordHeader(record.subarray(0, 4), RECORD_KIND.auth);
      expect(header.length).toBe(record.length - 4);
      const sealed = { kind: header.kind, sealed: record.subarray(4) };
      const [own, others] = role === "client" ? [keys().client, keys().server] : [keys().server, keys().client];

      const body = new RecordOpener(own).open(sealed);
      expect(verifyAuth({ role, key: own.auth, transcriptHash }, body)).toBeUndefined();
      expect(() => verifyAuth({ role, key: others.auth, transcriptHash }, body)).toThrow(
        "does not match this handshake",
      );
      expect(() => new RecordOpener(others).open(sealed)).toThrow("invalid tag");
    },
  );

  test("the golden stream of the client byte by byte, up to its frame", () => {
    const { client } = keys();
    const decoder = new RecordDecoder(new RecordOpener(client));
    const opened: string[] = [];
    for (const byte of bytes(clientAuth + clientData)) {
      decoder.push(Uint8Array.of(byte));
      const record = decoder.next();
      if (record !== undefined) opened.push(`${record.kind} ${hexOf(record.plaintext)}`);
    }
    const auth = hexOf(makeAuth({ role: "client", key: client.auth, transcriptHash }));
    expect(opened).toEqual([`1 ${auth}`, `2 ${FRAME}`]);
  });

  test("no golden record when the psk is missing", () => {
    const { client } = deriveSessionKeys(transcriptHash, sharedSecret);
    const sealed = { kind: RECORD_KIND.auth, sealed: bytes(clientAuth).subarray(4) };
    expect(() => new RecordOpener(client).open(sealed)).toThrow("give both sides the same pre-shared key");
  });
});
