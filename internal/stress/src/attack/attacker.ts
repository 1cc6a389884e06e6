// A process that attacks another one. usage: node attacker.js PLAN
import { once } from "node:events";
import type { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { writeUint32 } from "@ipc/framing";
import type { MessageCodec } from "@ipc/session/handshake";
import type { Announcement, AttackerPlan, AttackOrder, AttackOutcome } from "./attacker-orders.js";
import { Meeting, shakeHands } from "./hostile-peer.js";
import { encodeFlood, sealed } from "./message-flood.js";
import { takeOrders } from "./worker.js";

/** How often new ones connect, in milliseconds. */
const EVERY_MS = 10;

const { side, address } = JSON.parse(process.argv[2] ?? "") as AttackerPlan;
const meeting = new Meeting(address, side);
const open = new Set<Socket>();
const outcome = { connections: 0, ended: 0 };

async function meet(): Promise<Socket> {
  const socket = await meeting.next();
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

async function churn(perSecond: number, seconds: number): Promise<void> {
  const from = performance.now();
  let done = 0;
  for (let elapsed = 0; elapsed < seconds * 1_000; elapsed = performance.now() - from) {
    for (; done < (elapsed / 1_000) * perSecond; done++) void meet().then((socket) => socket.destroy());
    await pause(EVERY_MS);
  }
}

async function announce(order: Extract<AttackOrder, { kind: "announce" }>): Promise<void> {
  for (let peer = 0; peer < order.peers; peer++) {
    const socket = await meet();
    if (order.what === "4 GiB limits") socket.write(Uint8Array.of(2, 0, 255, 255, 255, 255, 0, 0, 0, 1));
    else socket.write(announcementOf(order.what, await shakeHands(socket, side, order.wire)));
    while (!order.holds && open.has(socket)) await once(socket, "close");
  }
}

/** The beginning of what is announced, sealed where it must be. */
function announcementOf(what: Announcement, codec: MessageCodec): Uint8Array {
  const frame = new Uint8Array(9);
  writeUint32(frame, 0, what === "3 MiB frame" ? 3_145_728 : 0xffff_ffff);
  writeUint32(frame, 4, 1);
  if (what === "16 MiB record") return Uint8Array.of(2, 255, 255, 255, 0);
  return codec.headroom > 0 ? sealed(codec, frame, frame.length) : frame;
}

async function flood(order: Extract<AttackOrder, { kind: "flood" }>): Promise<void> {
  const socket = await meet();
  const codec = await shakeHands(socket, side, order.wire);
  const sent = (async (): Promise<void> => {
    for (const chunk of encodeFlood(codec, order)) {
      if (socket.destroyed) return;
      if (!socket.write(chunk)) await drainOrClose(socket);
    }
  })();
  if (!order.unawaited) await sent;
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

takeOrders<AttackOrder, AttackOutcome>(async (order) => {
  switch (order.kind) {
    case "silence":
      for (let count = 0; count < order.connections; count++) await meet();
      break;
    case "churn":
      await churn(order.perSecond, order.seconds);
      break;
    case "announce":
      await announce(order);
      break;
    case "flood":
      await flood(order);
      break;
    case "stop":
      for (const socket of open) socket.destroy();
      open.clear();
      break;
  }
  return outcome;
});
