import { generateKeyPair, type KeyPair } from "@ipc/crypto";
import { describe, expect, it } from "vitest";
import { KeyPairQueue } from "./key-pair-pool.js";

const AT_ONCE = 4;
/** As many as wait for less than a second, whatever came first. */
const FEW = 128;
const wanted = (): boolean => true;

/** A line whose pairs are made, or fail, when the test says so. */
class Workshop {
  readonly line: KeyPairQueue;
  readonly pair: KeyPair;
  readonly #started: { readonly resolve: (pair: KeyPair) => void; readonly reject: (error: Error) => void }[] = [];

  derivations = 0;

  constructor(pair: KeyPair) {
    this.pair = pair;
    this.line = new KeyPairQueue(
      () => new Promise((resolve, reject) => void this.#started.push({ resolve, reject })),
      () => this.derivations,
    );
  }

  get started(): number {
    return this.#started.length;
  }

  async finish(index: number): Promise<void> {
    this.#started[index]?.resolve(this.pair);
    await turn();
  }

  async fail(index: number): Promise<void> {
    this.#started[index]?.reject(new Error("no entropy"));
    await turn();
  }
}

async function openWorkshop(): Promise<Workshop> {
  return new Workshop(await generateKeyPair());
}

/** Makes pairs for the requests that are served at once and for `waiting` more. Resolves with the order of all. */
async function serve(waiting: number): Promise<number[]> {
  const workshop = await openWorkshop();
  const served: number[] = [];
  for (let index = 0; index < AT_ONCE + waiting; index++)
    void workshop.line.take(wanted).then(() => served.push(index));
  for (let index = 0; index < AT_ONCE + waiting; index++) await workshop.finish(index);
  return served;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe("a queue for key pairs", () => {
  it(`makes ${AT_ONCE} at once, and the next when one is made`, async () => {
    const workshop = await openWorkshop();
    const pairs = Array.from({ length: AT_ONCE + 2 }, () => workshop.line.take(wanted));
    expect(workshop.started).toBe(AT_ONCE);
    await workshop.finish(2);
    expect(await pairs[2]).toBe(workshop.pair);
    expect(workshop.started).toBe(AT_ONCE + 1);
  });

  it("serves the oldest request first when few wait, so that no later one overtakes it", async () => {
    expect(await serve(FEW)).toEqual(Array.from({ length: AT_ONCE + FEW }, (_, index) => index));
  });

  it("serves the newest request first when many wait, because it has the most time left", async () => {
    const served = await serve(FEW + 2);
    expect(served.slice(AT_ONCE, AT_ONCE + 3)).toEqual([AT_ONCE + FEW + 1, AT_ONCE + FEW, AT_ONCE]);
  });

  it("makes none for a request that was given up meanwhile", async () => {
    const workshop = await openWorkshop();
    for (let i = 0; i < AT_ONCE; i++) void workshop.line.take(wanted);
    const first = workshop.line.take(wanted);
    void workshop.line.take(() => false);
    await workshop.finish(0);
    expect(workshop.started).toBe(AT_ONCE + 1);
    await workshop.finish(AT_ONCE);
    expect(await first).toBe(workshop.pair);
  });

  it("keeps few given-up requests, also when it never empties down to them, and keeps all before them", async () => {
    const workshop = await openWorkshop();
    for (let i = 0; i < AT_ONCE + 1; i++) void workshop.line.take(wanted);
    let asked = 0;
    const givenUp = (): boolean => {
      asked++;
      return false;
    };
    for (let i = 0; i < 1_000; i++) void workshop.line.take(givenUp);
    // Each is asked once and let go, but for the last few.
    expect(asked).toBeGreaterThan(1_000 - 64);
    expect(asked).toBeLessThanOrEqual(1_000);
  });

  it("makes none while more than four derivations wait for the event loop, and continues when they have run", async () => {
    const workshop = await openWorkshop();
    workshop.derivations = 5;
    const pairs = Array.from({ length: 3 }, () => workshop.line.take(wanted));
    await turn();
    expect(workshop.started).toBe(0);
    workshop.derivations = 4;
    await turn();
    expect(workshop.started).toBe(3);
    await workshop.finish(0);
    expect(await pairs[0]).toBe(workshop.pair);
  });

  it("continues after a failed derivation", async () => {
    const workshop = await openWorkshop();
    const pairs = Array.from({ length: AT_ONCE + 1 }, () => workshop.line.take(wanted));
    const failed = expect(pairs[0]).rejects.toThrow("no entropy");
    await workshop.fail(0);
    await failed;
    await workshop.finish(AT_ONCE);
    expect(await pairs[AT_ONCE]).toBe(workshop.pair);
  });
});
