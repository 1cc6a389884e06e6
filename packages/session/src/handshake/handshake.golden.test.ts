import { deriveSharedSecret, keyPairFromScalar } from "@ipc/crypto";
import { describe, expect, test } from "vitest";
import {
  credentialsOf,
  type GoldenRecord,
  type GoldenSession,
  bytes as golden,
  plain,
  type Role,
  sessions,
} from "../../test/golden-vectors.js";
import type { HandshakeOutcome, MessageDecoder, MessageEncoder } from "../codec/codec.js";
import { clientHandshake } from "./client-handshake.js";
import { serverHandshake } from "./server-handshake.js";
import type { Handshake, HandshakeAnswer } from "./steps.js";

/** Not a Buffer, as what a stream brings. */
const bytes = (hex: string): Uint8Array => Uint8Array.from(golden(hex));
const hexOf = (data: Uint8Array): string => Buffer.from(data).toString("hex");

interface Conversation {
  /** The bytes in order: `our items > hex`, `what was asked for < hex`. */
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
  const running = clientHandshake({
    name: "golden",
    serverName: "orders",
    maxMessageSize: 2_097_152,
    encryption: true,
    credentials: credentialsOf(session, "client"),
    records: { rekeyInterval: session["rekey interval"] },
  });
  const said = `${session.hello}${session["server key"]}${session.limits}${session["server records"][0]?.record}`;
  return converse(running, session["client private key"], said);
}

function asServer(session: GoldenSession): Conversation {
  const running = serverHandshake({
    name: "orders",
    instance: bytes(session.P.slice(-32)),
    encryption: true,
    maxMessageSize: 3_145_728,
    credentials: credentialsOf(session, "server"),
    nonces: { next: (target) => target.set(bytes(session["limits nonce"])) },
    records: { rekeyInterval: session["rekey interval"] },
  });
  const said = `${session.reply}${session["client key"]}${session.select}${session["client records"][0]?.record}`;
  return converse(running, session["server private key"], said);
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

describe.each(sessions)("the golden session, $name:", (session) => {
  const mode = (bytes(session.select)[0] as number) & 7;
  const provedBy = (key: string | undefined, bit: number): object => ({
    mode: "secure",
    peer: { psk: (mode & 1) !== 0, ...((mode & bit) !== 0 && { key: bytes(key ?? "") }) },
  });

  test("the client sends the recorded bytes, with its select and its AUTH in one item", () => {
    const { said, outcome } = asClient(session);
    expect(said).toEqual([
      "< 2 the server's hello",
      "> 00",
      `> ${session["client key"]}`,
      "< 97 the peer's public key",
      "< 4 the length of the server's limits",
      `< ${session.limits.length / 2 - 4} the server's limits`,
      `> ${session.select}${session["client records"][0]?.record}`,
      "< 4 the server's AUTH",
      `< ${(session["server records"][0]?.record.length ?? 0) / 2 - 4} the server's AUTH`,
    ]);
    expect(outcome.maxSendSize).toBe(3_145_728);
    expect(outcome.codec.security).toEqual(provedBy(session["server identity"], 0b010));
  });

  test("the server sends the recorded bytes, and authorizes the client between the client's AUTH and its own", () => {
    const { said, outcome } = asServer(session);
    expect(said).toEqual([
      "> 0201",
      "< 1 the client's reply to the hello",
      `> ${session["server key"]}`,
      "< 97 the peer's public key",
      `> ${session.limits}`,
      "< 1 the client's reply to the limits",
      "< 8 the client's reply to the limits",
      "< 4 the client's AUTH",
      `< ${(session["client records"][0]?.record.length ?? 0) / 2 - 4} the client's AUTH`,
      "authorize secure",
      `> ${session["server records"][0]?.record}`,
    ]);
    expect(outcome.maxSendSize).toBe(2_097_152);
    expect(outcome.codec.security).toEqual(provedBy(session["client identity"], 0b100));
  });

  test.each([
    ["client", asClient, session["client records"], session["server records"]],
    ["server", asServer, session["server records"], session["client records"]],
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

describe.each(sessions)("the golden session, $name:", (session) => {
  test.each([
    ["client", asClient, session["client records"], session["server records"]],
    ["server", asServer, session["server records"], session["client records"]],
  ] as const)(
    "the %s sends the recorded CLOSE, and accepts the peer's CLOSE as an orderly end",
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

test("the golden sessions are those without keys, with a psk, with signatures, with both, and with a rekeying", () => {
  expect(sessions.map(({ select, "rekey interval": interval }) => [select.slice(0, 2), interval])).toEqual([
    ["80", 1_048_576],
    ["81", 1_048_576],
    ["86", 1_048_576],
    ["87", 1_048_576],
    ["81", 2],
  ]);
});

describe("the golden connection without encryption", () => {
  const { hello, reply, P, limits, select } = plain;
  const asPlain = {
    client: () => {
      const want = { name: "golden", serverName: "orders", maxMessageSize: 2_097_152, encryption: false };
      return converse(clientHandshake(want), "", hello + limits);
    },
    server: () => {
      const want = { name: "orders", instance: bytes(P.slice(-32)), maxMessageSize: 3_145_728, encryption: false };
      return converse(serverHandshake(want), "", reply + select);
    },
  };

  test("equals the bytes that client and server send", () => {
    const sent = (side: Role): string[] => asPlain[side]().said.filter((item) => item.startsWith(">"));
    expect(sent("client")).toEqual([`> ${reply}`, `> ${select}`]);
    expect(sent("server")).toEqual([`> ${hello}`, `> ${limits}`]);
  });

  test.each(["client", "server"] as const)("has plain frames and the limits of both sides: the %s", (side) => {
    const { codec, maxSendSize, features } = asPlain[side]().outcome;
    expect([maxSendSize, features]).toEqual([side === "client" ? 3_145_728 : 2_097_152, 1]);
    const theirs = plain[side === "client" ? "server messages" : "client messages"].join("");
    expect(framesIn(codec.createDecoder(1_000), theirs)).toBe(theirs);
    for (const frames of plain[`${side} messages`]) expect(sealed(codec, frames)).toBe(frames);
  });
});
