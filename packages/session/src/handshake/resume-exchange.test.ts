import { describe, expect, it } from "vitest";
import { runPair, type SentItems } from "../../test/handshake-pair.js";
import { keysOf, sendOf, someSession } from "../../test/some-session.js";
import type { HandshakeOutcome } from "../codec/codec.js";
import type { DecideResume, ResumeRequest } from "../resume/resume-request.js";
import { type ClientResume, clientHandshake } from "./client-handshake.js";
import { type ServerResume, serverHandshake } from "./server-handshake.js";
import type { Handshake, HandshakeAnswer } from "./steps.js";

const limits = { encryption: true, maxMessageSize: 1_024 } as const;
const noDecision: DecideResume = () => {
  throw new Error("there was no RESUME");
};

const clientOf = (resume?: ClientResume): Handshake<HandshakeOutcome> =>
  clientHandshake({ name: "n", ...limits, resume });
const serverOf = (resume?: ServerResume): Handshake<HandshakeOutcome> => serverHandshake({ ...limits, resume });
const plainClient: ClientResume = { require: false, claim: undefined };
const plainServer: ServerResume = { require: false, decide: noDecision };

/** The features in the select, whose item begins with the mode. */
const featuresIn = ({ client }: SentItems): string => Buffer.from(client[2] as Uint8Array).toString("hex", 1, 3);

/** Changes the items that a side sends. */
function* tampered(side: Handshake<HandshakeOutcome>, change: (bytes: Uint8Array) => Uint8Array): typeof side {
  let step = side.next();
  while (step.done !== true) {
    const changed = step.value.kind === "send" ? { ...step.value, bytes: change(step.value.bytes) } : step.value;
    const answer: HandshakeAnswer = yield changed;
    step = side.next(answer);
  }
  return step.value;
}

describe("two sides that can resume", () => {
  it("agree on it, and derive the same keys", () => {
    const sent: SentItems = { client: [], server: [] };
    const [client, server] = runPair(clientOf(plainClient), serverOf(plainServer), sent);
    expect(featuresIn(sent)).toBe("0003");
    expect(client.resume?.keys.id).toHaveLength(16);
    expect(client.resume?.keys.id).toEqual(server.resume?.keys.id);
    expect(client.resume?.keys.key.export()).toEqual(server.resume?.keys.key.export());
    expect([client.features, client.codec.security]).toEqual([
      3,
      { mode: "secure", peer: { psk: false }, resumable: true },
    ]);
    expect(client.resume?.answer).toBeUndefined();
  });

  it.each([
    ["client", plainClient, undefined],
    ["server", undefined, plainServer],
  ])("are both needed: not if only the %s can", (_side, ofClient, ofServer) => {
    for (const outcome of runPair(clientOf(ofClient), serverOf(ofServer))) {
      expect(outcome.resume).toBeUndefined();
      expect(outcome.codec.security).not.toHaveProperty("resumable");
    }
  });

  it("announce nothing unless they can", () => {
    const sent: SentItems = { client: [], server: [] };
    runPair(clientOf(), serverOf(plainServer), sent);
    expect(featuresIn(sent)).toBe("0001");
  });

  it("may be required, and are rejected with IPC_NOT_RESUMABLE otherwise", () => {
    const refused = expect.objectContaining({ code: "IPC_NOT_RESUMABLE" });
    expect(() => runPair(clientOf({ ...plainClient, require: true }), serverOf())).toThrow(refused);
    expect(() => runPair(clientOf(), serverOf({ ...plainServer, require: true }))).toThrow(refused);
    const golang = clientHandshake({ name: "n", encryption: false, maxMessageSize: 1_024 });
    expect(() =>
      runPair(
        golang,
        serverHandshake({ encryption: false, maxMessageSize: 1_024, resume: { ...plainServer, require: true } }),
      ),
    ).toThrow(refused);
  });
});

describe("a client that comes back", () => {
  const session = someSession();
  sendOf(session, 5);
  const claim = { session, attempt: 7 };
  const comeBack = (decide: DecideResume, sent?: SentItems): [HandshakeOutcome, HandshakeOutcome] =>
    runPair(clientOf({ require: false, claim }), serverOf({ require: false, decide }), sent);
  const counts = { received: 3, taken: 2 };

  it("says in its select that RESUME follows, and proves the session with it", () => {
    const sent: SentItems = { client: [], server: [] };
    let seen: ResumeRequest | undefined;
    comeBack((request) => {
      seen = request;
      return { answer: { how: "unknown" } };
    }, sent);
    expect(featuresIn(sent)).toBe("000b");
    expect(seen).toMatchObject({ id: session.id, attempt: 7, received: 0, mode: 0 });
    expect(seen?.isProved(session)).toBe(true);
    expect(seen?.isProved(keysOf(2))).toBe(false);
    // Record header, frame header, data and tag: RESUME and RESUMED are each alone in their records.
    expect([sent.client.at(-1)?.length, sent.server.at(-1)?.length]).toEqual([4 + 8 + 61 + 16, 4 + 8 + 66 + 16]);
  });

  it("says nothing of its session to a server that cannot resume, which accepts it", () => {
    const sent: SentItems = { client: [], server: [] };
    const [client] = runPair(clientOf({ require: false, claim }), serverOf(), sent);
    expect(featuresIn(sent)).toBe("0003");
    expect(client.resume).toBeUndefined();
  });

  it("goes on with the counts that the server has proved", () => {
    const answer = { how: "resumed", session, attempt: 7, received: 0, taken: undefined } as const;
    const [client, server] = comeBack(() => ({ answer, proved: { key: session.key, counts } }));
    expect(client.resume?.answer).toEqual({ how: "resumed", attempt: 7, ...counts });
    expect(server.resume?.answer).toBe(answer);
  });

  it("learns the last counts of a session that has expired", () => {
    const [client] = comeBack(() => ({ answer: { how: "expired", ...counts }, proved: { key: session.key, counts } }));
    expect(client.resume?.answer).toEqual({ how: "expired", ...counts });
  });

  it.each(["unknown", "refused"] as const)("learns nothing but that when its session is %s", (how) => {
    const [client] = comeBack(() => ({ answer: { how } }));
    expect(client.resume?.answer).toEqual({ how });
  });

  it.each(["resumed", "expired"] as const)("rejects a server that answers %s without the session's key", (how) => {
    const answer =
      how === "resumed" ? ({ how, session, attempt: 7, received: 0, taken: 0 } as const) : { how, ...counts };
    expect(() => comeBack(() => ({ answer, proved: { key: keysOf(2).key, counts } }))).toThrow(
      expect.objectContaining({ code: "IPC_AUTHENTICATION_FAILED" }),
    );
  });

  it.each([
    ["more was received than was sent", { received: 6, taken: 0 }],
    ["more was taken than was received", { received: 3, taken: 4 }],
  ])("rejects a server that says that %s", (_what, impossible) => {
    expect(() =>
      comeBack(() => ({ answer: { how: "expired", ...impossible }, proved: { key: session.key, counts: impossible } })),
    ).toThrow(expect.objectContaining({ code: "IPC_RECORD_INVALID" }));
  });

  it("gets no answer when the server rejects the attempt", () => {
    const stale = new Error("stale");
    expect(() =>
      comeBack(() => {
        throw stale;
      }),
    ).toThrow(stale);
  });

  it("is rejected with IPC_HANDSHAKE_FAILED when it says that RESUME follows and the server cannot resume", () => {
    const lying = tampered(clientOf(), (bytes) => {
      if (bytes[0] === 0x80) bytes[2] = 0x09;
      return bytes;
    });
    expect(() => runPair(lying, serverOf(plainServer))).toThrow(
      expect.objectContaining({ code: "IPC_HANDSHAKE_FAILED" }),
    );
  });
});
