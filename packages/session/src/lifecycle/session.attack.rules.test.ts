import { generateKeyPairSync } from "node:crypto";
import { memoryPair } from "@ipc/transport";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { type HandmadeOptions, HandmadePeer } from "../../test/handmade-peer.js";
import type { IpcError } from "../errors.js";
import type { SecurityOptions } from "../options/security-options.js";
import { openSession } from "./session.js";

type Play = (peer: HandmadePeer) => void;

const [AUTH, DATA, CLOSE] = [1, 2, 3];
/** Type 1, `hi`. */
const HI = Buffer.from("00000006000000016869", "hex");
const hex = (text: string): Buffer => Buffer.from(text, "hex");

const psk = new Uint8Array(32).fill(7);
const [alice, mallory] = [generateKeyPairSync("ed25519"), generateKeyPairSync("ed25519")];
const aliceBytes = new Uint8Array(alice.publicKey.export({ format: "der", type: "spki" }).subarray(-32));

describe.each([
  { victim: "server", peer: "client", signing: { select: 0x84 }, knowing: { select: 0x81, psk } },
  {
    victim: "client",
    peer: "server",
    signing: { offer: "4950435801020000" },
    knowing: { offer: "4950435801010000", psk },
  },
] as const)("a $peer that has the keys and breaks the rules", ({ victim, peer, signing, knowing }) => {
  const CONFIGURED: Record<"anonymous" | "signing" | "knowing", [SecurityOptions, HandmadeOptions]> = {
    anonymous: [{}, {}],
    signing: [{ trustedPeers: [alice.publicKey] }, signing],
    knowing: [{ psk }, knowing],
  };

  interface Outcome {
    readonly told: readonly string[];
    readonly error: IpcError;
  }

  /** Runs a victim with these options against a peer that says what `play` tells it to. */
  async function attack(play: Play, security: SecurityOptions = {}, options: HandmadeOptions = {}): Promise<Outcome> {
    const [near, far] = memoryPair();
    const opening = openSession(near, { role: victim, security });
    opening.catch(() => {});
    play(await HandmadePeer[peer](far, options));
    const told: string[] = [];
    try {
      const session = await opening;
      session.on("message", (message) => told.push(message.text()));
      const error = await new Promise<IpcError>((resolve) => session.once("lost", resolve));
      return { told, error };
    } catch (error) {
      return { told, error: error as IpcError };
    } finally {
      expect(near.destroyed || near.writableEnded).toBe(true);
      near.destroy();
    }
  }

  test.each([
    ["but keeps to them so far", {}],
    ["and has features that no version knows yet", { unknown: true }],
  ])("%s: its messages arrive", async (_what, options) => {
    const keep: Play = (handmade) => {
      handmade.say(AUTH, handmade.auth());
      handmade.say(DATA, HI);
      handmade.end();
    };
    const { told, error } = await attack(keep, {}, options);
    expect({ told, code: error.code }).toEqual({ told: ["hi"], code: "IPC_CONNECTION_LOST" });
    expect(error.cause).toMatchObject({ code: "IPC_RECORD_TRUNCATED" });
  });

  test.each<[string, Play, string]>([
    ["DATA before its AUTH", (handmade) => handmade.say(DATA, HI), "unexpected record: kind 2 (DATA), expected AUTH"],
    ["CLOSE before its AUTH", (handmade) => handmade.say(CLOSE), "unexpected record: kind 3 (CLOSE), expected AUTH"],
    ["a kind that does not exist", (handmade) => handmade.say(9, HI), "unknown record kind: 9,"],
    [
      "an AUTH that is too long",
      (handmade) => handmade.say(AUTH, new Uint8Array(497)),
      "invalid record length: 513 bytes",
    ],
    [
      "an AUTH without room for a tag",
      (handmade) => handmade.write(hex("0100000f")),
      "invalid record length: 15 bytes",
    ],
  ])("sends %s: it gets no connection", async (_what, play, message) => {
    const { told, error } = await attack(play);
    expect(told).toEqual([]);
    expect(error).toMatchObject({ code: "IPC_RECORD_INVALID", message: expect.stringContaining(message) });
  });

  test.each(["", "010000", "01000030aabb"])("sends of its AUTH only '%s': the handshake times out", async (begun) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const [near, far] = memoryPair();
    const opening = openSession(near, { role: victim, handshakeTimeoutMs: 5_000 });
    const outcome = expect(opening).rejects.toMatchObject({
      code: "IPC_HANDSHAKE_TIMEOUT",
      message: expect.stringContaining(`waiting for the ${peer}'s AUTH;`),
    });
    (await HandmadePeer[peer](far)).write(hex(begun));
    for (let count = 0; count < 10; count++) await new Promise((resolve) => setImmediate(resolve));
    vi.advanceTimersByTime(5_000);
    await outcome;
    expect(near.destroyed).toBe(true);
  });

  test.each<[string, "anonymous" | "signing" | "knowing", (handmade: HandmadePeer) => Uint8Array, string]>([
    ["an empty AUTH", "anonymous", () => new Uint8Array(0), "AUTH: 0 bytes, expected 32"],
    ["an AUTH that is not its HMAC", "anonymous", () => new Uint8Array(32), "does not match this handshake"],
    [
      "an id that was not requested",
      "anonymous",
      (handmade) => handmade.auth(alice.privateKey),
      "AUTH: 128 bytes, expected 32",
    ],
    [
      "an AUTH that is not its HMAC, the pre-shared key right",
      "knowing",
      () => new Uint8Array(32),
      "does not match this handshake",
    ],
    ["no id where it is to sign", "signing", (handmade) => handmade.auth(), "AUTH: 32 bytes, expected 128"],
    [
      "a signature by a key that is not trusted",
      "signing",
      (handmade) => handmade.auth(mallory.privateKey),
      `${peer} key not trusted: not among the 1 trusted keys`,
    ],
    [
      "a trusted key and a signature that is none",
      "signing",
      (handmade) => handmade.authOver(Buffer.concat([aliceBytes, new Uint8Array(64)])),
      `invalid ${peer} signature`,
    ],
    [
      "a trusted key and another key's signature",
      "signing",
      (handmade) => handmade.authOver(Buffer.concat([aliceBytes, handmade.auth(mallory.privateKey).subarray(32 + 32)])),
      `invalid ${peer} signature`,
    ],
    [
      "a trusted signature under the HMAC of none",
      "signing",
      (handmade) => Buffer.concat([handmade.auth(), handmade.auth(alice.privateKey).subarray(32)]),
      "does not match this handshake",
    ],
  ])("sends %s: it gets no connection", async (_what, setup, body, message) => {
    const [security, options] = CONFIGURED[setup];
    const { told, error } = await attack((handmade) => handmade.say(AUTH, body(handmade)), security, options);
    expect(told).toEqual([]);
    expect(error).toMatchObject({ code: "IPC_AUTHENTICATION_FAILED", message: expect.stringContaining(message) });
  });

  test.each<[string, Play, string]>([
    ["another AUTH", (handmade) => handmade.say(AUTH, handmade.auth()), "IPC_RECORD_INVALID"],
    ["DATA of zero bytes", (handmade) => handmade.say(DATA), "IPC_RECORD_INVALID"],
    [
      "DATA that is longer than one may be",
      (handmade) => handmade.say(DATA, new Uint8Array(262_145)),
      "IPC_RECORD_INVALID",
    ],
    ["a kind that does not exist", (handmade) => handmade.say(4, HI), "IPC_RECORD_INVALID"],
    ["a record that skips a number", (handmade) => void handmade.seal(DATA, HI), "IPC_DECRYPTION_FAILED"],
    [
      "DATA behind its CLOSE",
      (handmade) => {
        handmade.say(CLOSE);
        handmade.say(DATA, HI);
      },
      "IPC_RECORD_INVALID",
    ],
    [
      "a second CLOSE",
      (handmade) => {
        handmade.say(CLOSE);
        handmade.say(CLOSE);
      },
      "IPC_RECORD_INVALID",
    ],
    ["a frame that is too long", (handmade) => handmade.say(DATA, hex("7fffffff00000001")), "IPC_FRAME_TOO_LARGE"],
    ["a frame that is too short", (handmade) => handmade.say(DATA, hex("00000003000000")), "IPC_FRAME_TOO_SHORT"],
  ])("sends behind a message %s: its connection ends, and nothing more is delivered", async (_what, play, code) => {
    const { told, error } = await attack((handmade) => {
      handmade.say(AUTH, handmade.auth());
      handmade.say(DATA, HI);
      play(handmade);
      handmade.say(DATA, HI);
    });
    expect({ told, code: error.code }).toEqual({ told: ["hi"], code });
  });

  test("sends a CLOSE within a frame: the whole messages are delivered", async () => {
    const { told, error } = await attack((handmade) => {
      handmade.say(AUTH, handmade.auth());
      handmade.say(DATA, Buffer.concat([HI, HI.subarray(0, 9)]));
      handmade.say(CLOSE);
      handmade.end();
    });
    expect({ told, code: error.code }).toEqual({ told: ["hi"], code: "IPC_CONNECTION_LOST" });
    expect(error.cause).toMatchObject({ code: "IPC_FRAME_TRUNCATED" });
  });
});
