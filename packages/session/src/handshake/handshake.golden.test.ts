import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { deriveSharedSecret, importPsk, keyPairFromScalar } from "@ipc/crypto";
import { describe, expect, test } from "vitest";
import type { HandshakeOutcome, MessageDecoder, MessageEncoder } from "../codec/codec.js";
import { clientHandshake } from "./client-handshake.js";
import { type Credentials, NO_CREDENTIALS } from "./credentials.js";
import { serverHandshake } from "./server-handshake.js";
import type { Handshake, HandshakeAnswer } from "./steps.js";

interface GoldenRecord {
  readonly kind: number;
  readonly plaintext: string;
  readonly record: string;
}
interface GoldenSession {
  readonly about: string;
  readonly select: string;
  readonly psk?: string;
  readonly clientSeed?: string;
  readonly serverSeed?: string;
  readonly clientIdentity?: string;
  readonly serverIdentity?: string;
  readonly rekeyInterval: number;
  readonly limitsPlaintext: string;
  readonly limits: string;
  readonly client: readonly GoldenRecord[];
  readonly server: readonly GoldenRecord[];
}
interface FirstVectors {
  readonly keyExchange: Record<"clientPrivateKey" | "serverPrivateKey" | "clientPublicKey" | "serverPublicKey", string>;
  readonly handshake: Record<"psk" | "limitsPlaintext" | "limitsLengthAndBody" | "select", string>;
  readonly records: Record<"clientAuthSeq0" | "serverAuthSeq0" | "clientDataSeq1", string>;
}

const FOLDER = new URL("../../../../internal/conformance/vectors/", import.meta.url);
const load = (name: string): unknown => JSON.parse(readFileSync(new URL(name, FOLDER), "utf8"));
const { keyExchange, handshake, records } = load("ipcx-1.json") as FirstVectors;
const more = (load("ipcx-1-more.json") as { readonly sessions: readonly GoldenSession[] }).sessions;

const first: GoldenSession = {
  about: "ipcx-1.json",
  select: handshake.select,
  psk: handshake.psk,
  rekeyInterval: 2 ** 20,
  limitsPlaintext: handshake.limitsPlaintext,
  limits: handshake.limitsLengthAndBody,
  client: [
    { kind: 1, plaintext: "", record: records.clientAuthSeq0 },
    { kind: 2, plaintext: "00000006000000056869", record: records.clientDataSeq1 },
  ],
  server: [{ kind: 1, plaintext: "", record: records.serverAuthSeq0 }],
};

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
const hexOf = (data: Uint8Array): string => Buffer.from(data).toString("hex");
const identityOf = (seed: string): KeyObject =>
  createPrivateKey({ key: bytes(`302e020100300506032b657004220420${seed}`) as Buffer, format: "der", type: "pkcs8" });
const publicOf = (seed: string): Uint8Array =>
  new Uint8Array(createPublicKey(identityOf(seed)).export({ format: "der", type: "spki" }).subarray(-32));

/** What a side is configured with; the server requires what the golden offer says. */
function credentialsOf(session: GoldenSession, side: "client" | "server"): Credentials {
  const { psk, clientSeed, serverSeed, limitsPlaintext } = session;
  const [mine, theirs] = side === "client" ? [clientSeed, serverSeed] : [serverSeed, clientSeed];
  return {
    ...NO_CREDENTIALS,
    psks: psk === undefined ? [] : [importPsk(bytes(psk))],
    identity: mine === undefined ? undefined : identityOf(mine),
    trustedPeers: theirs === undefined ? undefined : [publicOf(theirs)],
    require: limitsPlaintext.slice(20, 22) !== "00",
  };
}

interface Conversation {
  /** What was said, in order: `our items > hex`, `what was asked for < hex`. */
  readonly said: string[];
  readonly outcome: HandshakeOutcome;
}

/** Runs a handshake whose peer says `input`, with the golden key pair of its side. */
function converse(running: Handshake<HandshakeOutcome>, scalar: string, input: string): Conversation {
  const said: string[] = [];
  let rest = bytes(input);
  let step = running.next();
  while (step.done !== true) {
    let answer: HandshakeAnswer;
    const { value } = step;
    switch (value.kind) {
      case "keyPair":
        answer = keyPairFromScalar(bytes(scalar));
        break;
      case "sharedSecret":
        answer = deriveSharedSecret(value.privateKey, value.publicKey);
        break;
      case "send":
        said.push(`> ${hexOf(value.bytes)}`);
        break;
      case "receive":
        answer = rest.subarray(0, value.bytes);
        if (answer.length < value.bytes) throw new Error(`the peer says no more, ${value.what} is expected`);
        rest = rest.subarray(value.bytes);
        said.push(`< ${value.bytes} ${value.what}`);
        break;
      case "authorize":
        said.push(`authorize ${value.security.mode}`);
        break;
      case "cpuQueue":
        break;
    }
    step = running.next(answer);
  }
  expect(rest).toHaveLength(0);
  return { said, outcome: step.value };
}

function asClient(session: GoldenSession): Conversation {
  const credentials = credentialsOf(session, "client");
  const running = clientHandshake({
    name: "golden",
    maxMessageSize: 3_145_728,
    encryption: true,
    credentials,
    records: { rekeyInterval: session.rekeyInterval },
  });
  const said = `0201${keyExchange.serverPublicKey}${session.limits}${session.server[0]?.record}`;
  return converse(running, keyExchange.clientPrivateKey, said);
}

function asServer(session: GoldenSession): Conversation {
  const credentials = credentialsOf(session, "server");
  const running = serverHandshake({
    encryption: true,
    maxMessageSize: 3_145_728,
    credentials,
    nonces: { next: (target) => target.set(bytes("000102030405060708090a0b")) },
    records: { rekeyInterval: session.rekeyInterval },
  });
  const said = `00${keyExchange.clientPublicKey}${session.select}${session.client[0]?.record}`;
  return converse(running, keyExchange.serverPrivateKey, said);
}

/** Seals the frames as a batch of one tick. */
function sealed(codec: MessageEncoder, frames: string): string {
  const batch = Buffer.concat([Buffer.alloc(codec.headroom), bytes(frames), Buffer.alloc(codec.tailroom)]);
  codec.sealBatch(batch);
  return hexOf(batch);
}

/** All messages in `written`, as the frames they are; then the stream ends. */
function framesIn(decoder: MessageDecoder, written: string): string {
  decoder.push(bytes(written));
  let frames = "";
  for (let next = decoder.nextMessage(); next !== undefined; next = decoder.nextMessage()) {
    const frame = Buffer.alloc(8 + next.data.length);
    frame.writeUInt32BE(4 + next.data.length, 0);
    frame.writeUInt32BE(next.type, 4);
    frame.set(next.data, 8);
    frames += frame.toString("hex");
  }
  return frames;
}

const data = (records: readonly GoldenRecord[]): GoldenRecord[] => records.filter(({ kind }) => kind === 2);
const closeOf = (records: readonly GoldenRecord[]): string | undefined =>
  records.find(({ kind }) => kind === 3)?.record;

describe.each([first, ...more])("the golden session, $about:", (session) => {
  const mode = Number.parseInt(session.select, 16) & 7;
  const provedBy = (key: string | undefined, bit: number): object => ({
    mode: "secure",
    peer: { psk: (mode & 1) !== 0, ...((mode & bit) !== 0 && { key: bytes(key ?? "") }) },
  });

  test("the client says what is recorded, its select and its AUTH in one item", () => {
    const { said, outcome } = asClient(session);
    expect(said).toEqual([
      "< 2 the server's hello",
      "> 00",
      `> ${keyExchange.clientPublicKey}`,
      "< 97 the peer's public key",
      "< 4 the length of the server's limits",
      `< ${session.limits.length / 2 - 4} the server's limits`,
      `> ${session.select}${session.client[0]?.record}`,
      "< 4 the server's AUTH",
      `< ${(session.server[0]?.record.length ?? 0) / 2 - 4} the server's AUTH`,
    ]);
    expect(outcome.maxSendSize).toBe(3_145_728);
    expect(outcome.codec.security).toEqual(provedBy(session.serverIdentity, 0b010));
  });

  test("the server sends what is recorded, and authorizes the client between the client's AUTH and its own", () => {
    const { said, outcome } = asServer(session);
    expect(said).toEqual([
      "> 0201",
      "< 1 the client's reply to the hello",
      `> ${keyExchange.serverPublicKey}`,
      "< 97 the peer's public key",
      `> ${session.limits}`,
      "< 1 the client's reply to the limits",
      "< 4 the client's AUTH",
      `< ${(session.client[0]?.record.length ?? 0) / 2 - 4} the client's AUTH`,
      "authorize secure",
      `> ${session.server[0]?.record}`,
    ]);
    expect(outcome.maxSendSize).toBe(3_145_728);
    expect(outcome.codec.security).toEqual(provedBy(session.clientIdentity, 0b100));
  });

  test.each([
    ["client", asClient, session.client, session.server],
    ["server", asServer, session.server, session.client],
  ] as const)("the %s seals and opens the records that follow", (_side, play, ours, theirs) => {
    const { codec } = play(session).outcome;
    for (const { plaintext, record } of data(ours)) expect(sealed(codec, plaintext)).toBe(record);
    const written = data(theirs).map(({ record }) => record);
    const frames = data(theirs).map(({ plaintext }) => plaintext);
    const decoder = codec.createDecoder(1_000);
    expect(framesIn(decoder, written.join(""))).toBe(frames.join(""));
    expect(() => decoder.end()).toThrow(expect.objectContaining({ code: "IPC_RECORD_TRUNCATED" }));
  });
});

describe.each(more)("the golden session, $about:", (session) => {
  test.each([
    ["client", asClient, session.client, session.server],
    ["server", asServer, session.server, session.client],
  ] as const)(
    "the %s ends with the CLOSE that is recorded, and takes the other's for an end",
    (_side, play, ours, theirs) => {
      const { codec } = play(session).outcome;
      for (const { plaintext } of data(ours)) sealed(codec, plaintext);
      expect(hexOf(codec.closeNotify() ?? bytes(""))).toBe(closeOf(ours));
      const written = [...data(theirs).map(({ record }) => record), closeOf(theirs)].join("");
      const decoder = codec.createDecoder(1_000);
      expect(framesIn(decoder, written)).toBe(
        data(theirs)
          .map(({ plaintext }) => plaintext)
          .join(""),
      );
      decoder.end();
    },
  );
});

test("golden are sessions without keys, with a psk, with signatures, with both, and with new keys under way", () => {
  expect(more.map(({ select, rekeyInterval }) => [select, rekeyInterval])).toEqual([
    ["80", 1_048_576],
    ["81", 1_048_576],
    ["86", 1_048_576],
    ["87", 1_048_576],
    ["81", 2],
  ]);
});
