import { expect } from "vitest";
import { method, stream } from "../src/contract/method.js";
import { rpc, serve } from "../src/layer/rpc.js";
import { KIND } from "../src/wire/frame.js";
import { type FakePeer, fakePair, settle } from "./fake-peer.js";
import { type Answers, expectFramesInOrder } from "./frame-order.js";
import { CallFacts, ITEMS, MadeCall } from "./made-call.js";
import { pass } from "./pass-time.js";

/** Items of the caller of a stream. */
const UPLOADED_ITEMS = 400;
const DRAIN_MS = 15;

/** The input of each call is its number. */
export const contract = {
  unary: method<number, number>(),
  once: method<number, number>({ idempotent: true }),
  stream: stream<number, number, number, number>(),
};

export type SideName = "client" | "server";

export type Step =
  | { readonly do: "call"; readonly by: SideName; readonly what: keyof typeof contract; readonly timeoutMs: number }
  | {
      /** A connection is cut, or cut and resumed by the next one. */
      readonly do: "deliver" | "cut" | "resume" | "drain" | "read" | "leave" | "abort" | "finish" | "throw" | "close";
      readonly which: number;
    }
  /** Writes wait from now on, or no longer; one of them is accepted; the queue is full from now on, or no longer. */
  | { readonly do: "hold" | "accept" | "fill"; readonly which: number }
  | { readonly do: "pass"; readonly ms: number };

/** Two sides that call each other, and everything that a step may do with them. A drained side is followed by a new one. */
export class World {
  readonly peers: Record<SideName, FakePeer> = fakePair();
  /** Sides that were drained and are closed. */
  readonly retired: FakePeer[] = [];
  readonly made: MadeCall[] = [];
  readonly facts: CallFacts = new CallFacts();
  readonly handlers: { resolve: () => void; reject: (error: Error) => void }[] = [];
  /** The calls whose handlers have begun. */
  readonly begun = new Set<number>();
  readonly #advance: (ms: number) => void;
  readonly #isResumable: boolean;
  /** When the drain of a side is over at the latest. */
  readonly #drains = new Map<FakePeer, number>();
  /** Frames that a side had sent when it learned that the other one drains. */
  readonly #toldAt = new Map<FakePeer, number>();
  generators = 0;
  uploads = 0;

  constructor(advance: (ms: number) => void, isResumable: boolean) {
    this.#advance = advance;
    this.#isResumable = isResumable;
    this.#serve("client");
    this.#serve("server");
  }

  async run(step: Step): Promise<void> {
    switch (step.do) {
      case "call":
        this.#call(step.by, step.what, step.timeoutMs);
        break;
      case "deliver":
        this.peers[sideOf(step.which)].deliver();
        // Most of the time what one side answers at once arrives too.
        await turns();
        if (step.which > 5) this.peers[sideOf(step.which + 1)].deliver();
        break;
      case "cut":
        await this.#cut();
        break;
      case "resume":
        if (this.#isResumable && this.#drains.size === 0) this.#resume(sideOf(step.which));
        break;
      case "drain":
        this.#drain(this.peers[sideOf(step.which)]);
        break;
      case "abort":
        pick(this.made, step.which)?.abort.abort();
        break;
      case "read":
        for (let item = step.which % 3; item >= 0; item--) pick(this.made, step.which)?.read();
        break;
      case "leave":
        await pick(this.made, step.which)?.leave();
        break;
      case "finish":
        this.handlers.splice(step.which % (this.handlers.length + 1), 1)[0]?.resolve();
        break;
      case "throw":
        this.handlers.splice(step.which % (this.handlers.length + 1), 1)[0]?.reject(new Error("thrown"));
        break;
      case "hold": {
        const peer = this.peers[sideOf(step.which)];
        peer.holds = !peer.holds;
        break;
      }
      case "accept":
        this.peers[sideOf(step.which)].accept(1);
        break;
      case "fill": {
        const peer = this.peers[sideOf(step.which)];
        peer.refuses = peer.refuses === undefined ? "IPC_QUEUE_FULL" : undefined;
        break;
      }
      case "close":
        void rpc(this.peers[sideOf(step.which)]).close({ timeoutMs: 10 });
        break;
      case "pass":
        await pass(this.#advance, step.ms);
    }
    await turns();
    for (const call of this.made) call.expectReads();
    await this.#reconnectIfLost();
    for (const [peer, endsAt] of this.#drains) await this.#lookAtDrain(peer, endsAt);
  }

  /** A side whose frame was refused ends the connection. */
  async #reconnectIfLost(): Promise<void> {
    if (Object.values(this.peers).some(({ status }) => status !== "Connected")) await this.#cut();
  }

  /** All handlers end, all readers leave, both sides close, and every drain is over. */
  async end(): Promise<void> {
    for (const peer of Object.values(this.peers)) peer.goOn();
    await turns();
    await this.#reconnectIfLost();
    const { client, server } = this.peers;
    for (let round = 0; round < 4; round++) {
      for (const { resolve } of this.handlers.splice(0)) resolve();
      for (const call of this.made) void call.leave();
      await settle(this.peers);
    }
    const closed = Promise.all([rpc(client).close({ timeoutMs: 50 }), rpc(server).close({ timeoutMs: 50 })]);
    await pass(this.#advance, 60);
    await closed;
    for (const { resolve } of this.handlers.splice(0)) resolve();
    await settle(this.peers);
    this.#expectFramesInOrder("all answered");
    this.#forgetFrames();
    for (const peer of [client, server]) {
      peer.destroy();
      this.retired.push(peer);
    }
  }

  #serve(side: SideName): void {
    const peer = this.peers[side];
    if (this.#isResumable) peer.security = { ...peer.security, resumable: true };
    rpc(peer, { logger: { error() {} } });
    const wait = (input: number): Promise<number> => {
      this.begun.add(input);
      return new Promise((resolve, reject) => this.handlers.push({ resolve: () => resolve(input), reject }));
    };
    const generator = this.#generator.bind(this);
    serve(peer, contract, { unary: wait, once: wait, stream: (input, call) => generator(input, call.items, wait) });
    peer.on("draining", () => this.#toldAt.set(peer, peer.written.length));
  }

  async *#generator(
    input: number,
    items: AsyncIterable<number>,
    wait: (input: number) => Promise<number>,
  ): AsyncGenerator<number, number, undefined> {
    this.generators++;
    try {
      this.begun.add(input);
      for (let at = 0; at < ITEMS; at++) yield at;
      for await (const item of items) yield item;
      return await wait(input);
    } finally {
      this.generators--;
    }
  }

  async *#upload(): AsyncGenerator<number> {
    this.uploads++;
    try {
      for (let at = 0; at < UPLOADED_ITEMS; at++) yield at;
    } finally {
      this.uploads--;
    }
  }

  #call(side: SideName, what: keyof typeof contract, timeoutMs: number): void {
    const abort = new AbortController();
    const options = { signal: abort.signal, timeoutMs };
    const by = this.peers[side];
    const api = rpc(by).remote(contract);
    const input = this.made.length;
    const started =
      what === "stream" ? api.stream(input, { ...options, items: this.#upload() }) : api[what](input, options);
    this.made.push(new MadeCall({ by, what, abort }, started));
  }

  #drain(peer: FakePeer): void {
    if (this.#drains.has(peer)) return;
    this.#drains.set(peer, performance.now() + DRAIN_MS);
    peer.drain();
  }

  /** Ends a drain that has nothing to wait for, or no time left. */
  async #lookAtDrain(peer: FakePeer, endsAt: number): Promise<void> {
    if (!this.#drains.has(peer)) return;
    const isLate = performance.now() >= endsAt;
    if (!isLate) {
      if (isBusy(peer)) return;
      // Idle: what is under way has arrived, and was answered.
      await settle(this.peers);
      if (isBusy(peer)) return;
      for (const { by, what, outcome } of this.made) {
        // A client repeats such a call on its next connection.
        const mayWait = what === "once" && by === this.peers.client && peer !== by;
        if ((by === peer || by === peer.other) && !mayWait) expect(outcome).toBeDefined();
      }
    }
    await this.#cut(peer);
  }

  /** Ends the connection, and makes the next one. Sides that drain end with theirs; @param closing the side that ends it */
  async #cut(closing?: FakePeer): Promise<void> {
    this.#expectFramesInOrder("so far");
    const { client, server } = this.peers;
    const undelivered = { client: client.undelivered, server: server.undelivered };
    for (const side of ["client", "server"] as const) {
      const peer = this.peers[side];
      const toldAt = this.#toldAt.get(peer);
      // A side that was told makes no call over this connection.
      if (toldAt !== undefined) expect(peer.written.slice(toldAt).map(({ kind }) => kind)).not.toContain(KIND.call);
      this.#toldAt.delete(peer);
      peer.refuses = undefined;
      if (peer === closing) peer.lose("Closing");
      else peer.lose(side === "client" && !this.#drains.has(peer) ? "Reconnecting" : "Disconnected", undelivered[side]);
    }
    if (client.isAway) this.#call("client", "unary", 0);
    await turns();
    this.#forgetFrames();
    for (const side of ["server", "client"] as const) {
      const peer = this.peers[side];
      if (this.#drains.delete(peer)) {
        expect(peer.isBusy).toBe(false);
        peer.destroy();
        this.retired.push(peer);
        this.#replace(side);
      } else peer.reconnect();
    }
  }

  /** Cuts the connection, and continues its session; a call is made in between. */
  #resume(by: SideName): void {
    const peers = Object.values(this.peers);
    for (const peer of peers) peer.leave();
    this.#call(by, "unary", 0);
    for (const peer of peers) peer.resume();
  }

  #forgetFrames(): void {
    for (const peer of Object.values(this.peers)) this.facts.note(peer);
    for (const peer of Object.values(this.peers))
      for (const frames of [peer.sent, peer.written, peer.handed]) frames.length = 0;
  }

  #replace(side: SideName): void {
    const { client, server } = fakePair();
    const other = this.peers[side === "client" ? "server" : "client"];
    this.peers[side] = Object.assign(side === "client" ? client : server, { other });
    other.other = this.peers[side];
    this.#serve(side);
  }

  #expectFramesInOrder(answers: Answers): void {
    const { client, server } = this.peers;
    expectFramesInOrder(client.sent, server.sent, answers);
    expectFramesInOrder(server.sent, client.sent, answers);
  }
}

/** Whether a drain has to wait for a side, or for what both have written. */
function isBusy(peer: FakePeer): boolean {
  return peer.isBusy || peer.waiting > 0 || (peer.other?.waiting ?? 0) > 0;
}

function sideOf(which: number): SideName {
  return which % 2 === 0 ? "client" : "server";
}

function pick<T>(all: readonly T[], which: number): T | undefined {
  return all[which % Math.max(1, all.length)];
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 12; turn++) await null;
}
