import { expect } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import type { MessageIterator } from "../src/inbox/async-iterator.js";
import type { DataMessage } from "../src/message.js";
import { nextTick } from "./recorded-inbox.js";
import { type FarClient, ServingPeer } from "./successive-clients.js";

/** A message that some client has sent. `step`: the program is handling it. */
interface Sent {
  readonly client: number;
  state: "unread" | "step" | "done";
}

/** A step whose listener has returned a promise. */
interface OpenStep {
  readonly text: string;
  readonly settle: () => void;
  /** It rejects, which ends the connection of its message. */
  readonly fails?: true;
}

/**
 * Runs a program over a server whose clients come one after another, and says which client its writes belong to by the rule alone:
 * by what the program was given, and by what it has finished.
 */
export class SuccessionModel {
  readonly #serving = new ServingPeer();
  readonly #clients: FarClient[] = [];
  readonly #sent = new Map<string, Sent>();
  /** Promises that the listener has returned and that have not settled. */
  readonly #open: OpenStep[] = [];
  #isConnected = false;
  #listener: ((message: DataMessage) => unknown) | undefined;
  #iterator: MessageIterator<DataMessage> | undefined;
  /** Whether `read` was called since anything else took the messages. */
  #isRead = false;
  #isPulling = false;
  /** What the last call of `read` or `next` came to. */
  #pulled: string | undefined;
  #writes = 0;

  /** Does a step of the program, or of its clients, unless it is not possible now. */
  readonly steps: Readonly<Record<string, () => unknown>> = {
    connect: () => {
      if (this.#isConnected) return;
      this.#isConnected = true;
      this.#clients.push(this.#serving.connect(`client ${this.#clients.length}`));
    },
    send: async () => {
      const client = this.#clients.at(-1);
      if (client === undefined || !this.#isConnected) return;
      const text = `message ${this.#sent.size}`;
      this.#sent.set(text, { client: this.#clients.length - 1, state: "unread" });
      await this.#serving.send(client, text);
    },
    disconnect: async () => {
      const client = this.#clients.at(-1);
      if (client === undefined || !this.#isConnected) return;
      this.#isConnected = false;
      await this.#serving.disconnect(client);
    },
    listen: () => this.#listen((message) => this.#note(message, "done")),
    "listen and await": () =>
      this.#listen((message) => {
        const text = this.#note(message, "step");
        return new Promise<void>((resolve) => this.#open.push({ text, settle: resolve }));
      }),
    "listen and fail later": () =>
      this.#listen((message) => {
        const text = this.#note(message, "step");
        const lost = Object.assign(new Error("lost"), { code: "IPC_CONNECTION_LOST" });
        return new Promise<void>((_resolve, reject) =>
          this.#open.push({ text, settle: () => reject(lost), fails: true }),
        );
      }),
    unlisten: () => {
      if (this.#listener !== undefined) this.#serving.peer.off("message", this.#listener);
      this.#listener = undefined;
    },
    "settle the oldest": () => this.#settle(this.#open.shift()),
    "settle the latest": () => this.#settle(this.#open.pop()),
    next: () => {
      if (this.#isPulling || this.#listener !== undefined) return;
      this.#iterator ??= this.#serving.peer[Symbol.asyncIterator]();
      this.#isRead = false;
      this.#pull(this.#iterator.next().then(({ value }) => value));
    },
    return: async () => {
      await this.#iterator?.return?.();
      if (this.#iterator !== undefined) this.#finishPulled();
      this.#iterator = undefined;
    },
    read: () => {
      if (this.#isPulling || this.#iterator !== undefined || this.#listener !== undefined) return;
      this.#isRead = true;
      this.#pull(this.#serving.peer.read().then((item) => (item.kind === "data" ? item : undefined)));
    },
    pause: () => void this.#serving.peer.pause(),
    resume: () => void this.#serving.peer.resume(),
  };

  /** Expects that the peer's address and a write are those of the client that the rule names. */
  async check(): Promise<void> {
    await nextTick();
    const last = this.#clients.length - 1;
    if (last < 0) return;
    const target = this.#clients.findIndex((_client, index) => index === last || this.#isHolding(index));
    expect(this.#serving.peer.remote).toBe(`client ${target}`);
    this.#writes++;
    const text = `write ${this.#writes}`;
    const outcome = await this.#serving.peer.write(1, text).then(
      () => "accepted",
      (error: { readonly code: string }) => error.code,
    );
    const refused = this.#isConnected ? "IPC_CONNECTION_LOST" : "IPC_NOT_CONNECTED";
    expect(outcome).toBe(this.#isConnected && target === last ? "accepted" : refused);
    if (outcome === "accepted") await eventually(() => expect(this.#clients[last]?.received).toContain(text));
  }

  destroy(): void {
    // A pending call of `next` would reject.
    void this.#iterator?.return?.();
    this.#serving.peer.destroy();
  }

  #isHolding(client: number): boolean {
    const isConsuming = this.#listener !== undefined || this.#iterator !== undefined || this.#isRead;
    return [...this.#sent.values()].some(
      (sent) => sent.client === client && (sent.state === "step" || (sent.state === "unread" && isConsuming)),
    );
  }

  #listen(listener: (message: DataMessage) => unknown): void {
    if (this.#isPulling || this.#iterator !== undefined || this.#listener !== undefined) return;
    this.#listener = listener;
    this.#finishPulled();
    this.#isRead = false;
    this.#serving.peer.on("message", listener);
  }

  #settle(open: OpenStep | undefined): void {
    if (open === undefined) return;
    this.#mark(open.text, "done");
    if (open.fails && this.#sent.get(open.text)?.client === this.#clients.length - 1) this.#isConnected = false;
    open.settle();
  }

  /** A call for the next item: the one before is finished. */
  #pull(call: Promise<DataMessage | undefined>): void {
    this.#finishPulled();
    this.#isPulling = true;
    call.then(
      (message) => {
        this.#isPulling = false;
        this.#pulled = message && this.#note(message, "step");
      },
      () => {},
    );
  }

  #finishPulled(): void {
    if (this.#pulled !== undefined) this.#mark(this.#pulled, "done");
    this.#pulled = undefined;
  }

  #note(message: DataMessage, state: Sent["state"]): string {
    const text = message.text();
    this.#mark(text, state);
    return text;
  }

  #mark(text: string, state: Sent["state"]): void {
    const sent = this.#sent.get(text);
    if (sent !== undefined) sent.state = state;
  }
}
