// A process that attacks another one. usage: attacker.js SIDE ADDRESS
import { once } from "node:events";
import type { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { generateKeyPair } from "@ipc/crypto";
import { writeUint32 } from "@ipc/framing";
import type { MessageCodec } from "@ipc/session/handshake";
import { serveCalls } from "../process/calls.js";
import type { Side } from "../traffic/message.js";
import type { Wire } from "../traffic/wire.js";
import { meetingsAt, shakeHands } from "./hostile-peer.js";
import { encodeFlood, type FloodPlan, sealed } from "./message-flood.js";

/** How often new ones connect, in milliseconds. */
const EVERY_MS = 10;

/** The announcement of a peer: more than can be, more than a record may have, as much as it may, or limits that are far too long. */
export type Announcement = "4 GiB frame" | "16 MiB record" | "3 MiB frame" | "4 GiB limits";

/**
 * The bytes that a stranger without a key sends at once, before it waits: none; its reply and a public key, which cost the server
 * a key pair and a derivation; or an AUTH that is noise, too.
 */
export type Pretence = "nothing" | "a public key" | "a false AUTH";

interface Rate {
  readonly perSecond: number;
  readonly seconds: number;
}

/** Connections so far, and those of them that the victim has ended. */
interface Outcome {
  readonly connections: number;
  readonly ended: number;
}

const [role = "client", address = ""] = process.argv.slice(2);
const side: Side = role === "server" ? "server" : "client";
const nextMeeting = meetingsAt(address, side);
const open = new Set<Socket>();
const outcome = { connections: 0, ended: 0 };

async function meet(): Promise<Socket> {
  const socket = await nextMeeting();
  outcome.connections++;
  open.add(socket);
  // The victim's end is seen, and ours follows.
  socket.resume();
  const leave = (): void => {
    if (open.delete(socket)) outcome.ended++;
  };
  if (socket.destroyed) leave();
  else socket.once("close", leave);
  return socket;
}

async function arrive({ perSecond, seconds }: Rate, act: (socket: Socket) => void): Promise<void> {
  const from = performance.now();
  let done = 0;
  for (let elapsed = 0; elapsed < seconds * 1_000; elapsed = performance.now() - from) {
    for (; done < (elapsed / 1_000) * perSecond; done++) void meet().then(act);
    await pause(EVERY_MS);
  }
}

/** One write, made once for all strangers: the reply, a public key, the select of a pre-shared key, and noise for an AUTH. */
async function wordsOf(pretence: Pretence): Promise<Uint8Array> {
  if (pretence === "nothing") return new Uint8Array(0);
  const { publicKey } = await generateKeyPair();
  const key = [Uint8Array.of(0), publicKey];
  if (pretence === "a public key") return Buffer.concat(key);
  return Buffer.concat([...key, Uint8Array.of(0x81, 1, 0, 0, 48), new Uint8Array(48)]);
}

/** The beginning of what is announced, sealed where it must be. */
function announcementOf(what: Announcement, codec: MessageCodec): Uint8Array {
  const frame = new Uint8Array(9);
  writeUint32(frame, 0, what === "3 MiB frame" ? 3_145_728 : 0xffff_ffff);
  writeUint32(frame, 4, 1);
  if (what === "16 MiB record") return Uint8Array.of(2, 255, 255, 255, 0);
  return codec.headroom > 0 ? sealed(codec, frame, frame.length) : frame;
}

function drainOrClose(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      socket.off("drain", settle).off("close", settle);
      resolve();
    };
    socket.once("drain", settle).once("close", settle);
  });
}

const calls = {
  /** Connects and says nothing. */
  async silence(connections: number): Promise<Outcome> {
    for (let count = 0; count < connections; count++) await meet();
    return outcome;
  },

  /** Connects, and is gone. */
  async churn(rate: Rate): Promise<void> {
    await arrive(rate, (socket) => socket.destroy());
  },

  /** Connects, sends what needs no key, and stays until the victim ends it. Resolves with the share of a core that it took. */
  async strangers({ pretence, ...rate }: Rate & { pretence: Pretence }): Promise<number> {
    const words = await wordsOf(pretence);
    const before = process.cpuUsage();
    await arrive(rate, (socket) => socket.write(words));
    const { user, system } = process.cpuUsage(before);
    return (user + system) / (rate.seconds * 1e6);
  },

  /** Announces something, sends hardly any of it, and waits for the end; `holds`: goes on without it. */
  async announce(order: { wire: Wire; peers: number; what: Announcement; holds: boolean }): Promise<void> {
    for (let peer = 0; peer < order.peers; peer++) {
      const socket = await meet();
      if (order.what === "4 GiB limits") socket.write(Uint8Array.of(2, 0, 255, 255, 255, 255, 0, 0, 0, 1));
      else socket.write(announcementOf(order.what, await shakeHands(socket, side, order.wire)));
      while (!order.holds && open.has(socket)) await once(socket, "close");
    }
  },

  /** Sends as fast as it is taken. Resolves when everything is sent, or `unawaited` at once. */
  async flood({ wire, unawaited, ...plan }: FloodPlan & { wire: Wire; unawaited: boolean }): Promise<void> {
    const socket = await meet();
    const codec = await shakeHands(socket, side, wire);
    const sent = (async (): Promise<void> => {
      for (const chunk of encodeFlood(codec, plan)) {
        if (socket.destroyed) return;
        if (!socket.write(chunk)) await drainOrClose(socket);
      }
    })();
    if (!unawaited) await sent;
  },

  /** Drops every connection. */
  stop(): void {
    for (const socket of open) socket.destroy();
    open.clear();
  },
};

export type AttackerCalls = typeof calls;

serveCalls(calls, () => false);
