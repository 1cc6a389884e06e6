import { expect } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { readData } from "../../../internal/testkit/src/peer-watch.js";
import type { DataMessage } from "../src/message.js";
import { nextTick } from "./recorded-inbox.js";
import type { FarClient, ServingPeer } from "./successive-clients.js";

/** The messages that a program handles, one by one or several at once. */
export class HandledMessages {
  /** The texts of those that it has begun with, in order. */
  readonly begun: string[] = [];
  readonly #finish = new Map<string, () => void>();

  /** Handles a message until `finish` is called for its text. */
  readonly handle = async (message: DataMessage): Promise<void> => {
    const text = message.text();
    this.begun.push(text);
    await new Promise<void>((resolve) => this.#finish.set(text, resolve));
  };

  /** Resolves when the program has begun with a message of this text. */
  async begin(text: string): Promise<void> {
    await eventually(() => expect(this.begun).toContain(text));
  }

  /** Lets it finish a message, and resolves when what follows from that has followed. */
  async finish(text: string): Promise<void> {
    this.#finish.get(text)?.();
    await nextTick();
  }
}

type Handle = (serving: ServingPeer) => HandledMessages;

/** The ways in which a program handles messages for a while. The loops end with their peer. */
export const WAYS = {
  "an iteration": ({ peer }) => {
    const messages = new HandledMessages();
    const loop = async (): Promise<void> => {
      for await (const message of peer) await messages.handle(message);
    };
    loop().catch(() => {});
    return messages;
  },
  reads: ({ peer }) => {
    const messages = new HandledMessages();
    const loop = async (): Promise<void> => {
      for (;;) await messages.handle(await readData(peer));
    };
    loop().catch(() => {});
    return messages;
  },
  "an async listener": ({ peer }) => {
    const messages = new HandledMessages();
    peer.on("message", messages.handle);
    return messages;
  },
} as const satisfies Readonly<Record<string, Handle>>;

let probes = 0;

/** Writes a text; returns the name of the client that it reached, or the code of the rejection. */
export async function probe({ peer }: ServingPeer, ...clients: readonly FarClient[]): Promise<string> {
  probes++;
  const text = `probe ${probes}`;
  try {
    await peer.write(2, text);
  } catch (error) {
    return (error as { readonly code: string }).code;
  }
  return eventually(() => {
    const reached = clients.filter(({ received }) => received.includes(text)).map(({ name }) => name);
    expect(reached).toHaveLength(1);
    return reached.join();
  });
}

/** Lets client A send texts and disconnect, then client B connect. */
export async function succeed(serving: ServingPeer, ...texts: readonly string[]): Promise<FarClient> {
  const a = serving.connect("A");
  await serving.send(a, ...texts);
  await serving.disconnect(a);
  return serving.connect("B");
}
