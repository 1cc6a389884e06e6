import { expect } from "vitest";
import { method, stream } from "../src/contract/method.js";
import { rpc, serve } from "../src/layer/rpc.js";
import type { Executed } from "../src/rpc-error.js";
import { KIND } from "../src/wire/frame.js";
import { type FakePeer, fakePair, settle } from "./fake-peer.js";
import { type Answers, expectFramesInOrder } from "./frame-order.js";
import { pass } from "./pass-time.js";

/** Items that each side of a stream gives. */
const ITEMS = 300;
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
      readonly do: "deliver" | "cut" | "drain" | "read" | "leave" | "abort" | "finish" | "throw" | "close";
      readonly which: number;
    }
  /** Writes wait from now on, or no longer; one of them is accepted; the queue is full from now on, or no longer. */
  | { readonly do: "hold" | "accept" | "fill"; readonly which: number }
  | { readonly do: "pass"; readonly ms: number };

interface Made {
  readonly by: FakePeer;
  readonly what: keyof typeof contract;
  readonly abort: AbortController;
  readonly items: AsyncIterator<number, undefined> | undefined;
  /** "yes" with the value, or what the error says. */
  outcome: { readonly executed: Executed | undefined; readonly value?: number } | undefined;
}

/** Two sides that call each other, and everything that a step may do with them. A drained side is followed by a new one. */
export class World {
  readonly peers: Record<SideName, FakePeer> = fakePair();
  /** Sides that were drained and are closed. */
  readonly retired: FakePeer[] = [];
  readonly made: Made[] = [];
  readonly handlers: { resolve: () => void; reject: (error: Error) => void }[] = [];
  /** The calls whose handlers have begun. */
  readonly begun = new Set<number>();
  readonly #advance: (ms: number) => void;
  /** When the drain of a side is over at the latest. */
  readonly #drains = new Map<FakePeer, number>();
  /** Frames that a side had sent when it learned that the other one drains. */
  readonly #toldAt = new Map<FakePeer, number>();
  generators = 0;
  uploads = 0;

  constructor(advance: (ms: number) => void) {
    this.#advance = advance;
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
        break;
      case "cut":
        await this.#cut();
        break;
      case "drain":
        this.#drain(this.peers[sideOf(step.which)]);
        break;
      case "abort":
        pick(this.made, step.which)?.abort.abort();
        break;
      case "read":
        pick(this.made, step.which)
          ?.items?.next()
          .catch(() => {});
        break;
      case "leave":
        await pick(this.made, step.which)?.items?.return?.();
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
      for (const { items } of this.made) void items?.return?.();
      await settle(this.peers);
    }
    const closed = Promise.all([rpc(client).close({ timeoutMs: 50 }), rpc(server).close({ timeoutMs: 50 })]);
    await pass(this.#advance, 60);
    await closed;
    for (const { resolve } of this.handlers.splice(0)) resolve();
    await settle(this.peers);
    this.#expectFramesInOrder("all answered");
    for (const peer of [client, server]) {
      peer.destroy();
      this.retired.push(peer);
    }
  }

  #serve(side: SideName): void {
    const peer = this.peers[side];
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
    const started = what === "stream" ? api.stream(input, { ...options, items: this.#upload() }) : undefined;
    const items = started?.[Symbol.asyncIterator]();
    const made: Made = { by, what, abort, items, outcome: undefined };
    const result = what === "stream" ? started?.result : api[what](input, options);
    result?.then(
      (value) => {
        made.outcome = { executed: "yes", value };
      },
      ({ executed }: { readonly executed?: Executed }) => {
        made.outcome = { executed };
      },
    );
    this.made.push(made);
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
    for (const side of ["client", "server"] as const) {
      const peer = this.peers[side];
      const toldAt = this.#toldAt.get(peer);
      // A side that was told makes no call over this connection.
      if (toldAt !== undefined) expect(peer.written.slice(toldAt).map(({ kind }) => kind)).not.toContain(KIND.call);
      this.#toldAt.delete(peer);
      peer.sent.length = 0;
      peer.written.length = 0;
      peer.refuses = undefined;
      if (peer === closing) peer.lose("Closing");
      else peer.lose(side === "client" && !this.#drains.has(peer) ? "Reconnecting" : "Disconnected");
    }
    await turns();
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
