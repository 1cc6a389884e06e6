import type { Child } from "../process/child.js";
import type { Place } from "../process/place.js";
import type { CrowdCalls } from "./crowd-process.js";
import type { ServerAddress } from "./visitor.js";

/** Shares out a total among the processes. */
type Share = (total: number) => number;

/** Processes full of clients. They end when this one does. */
export class Crowd {
  readonly #children: readonly Child<CrowdCalls>[];

  private constructor(children: readonly Child<CrowdCalls>[]) {
    this.#children = children;
  }

  static async start(place: Place, address: ServerAddress, processes: number): Promise<Crowd> {
    const args = [JSON.stringify(address)];
    const start = (): Promise<Child<CrowdCalls>> => place.start<CrowdCalls>("scale/crowd-process", { args });
    return new Crowd(await Promise.all(Array.from({ length: processes }, start)));
  }

  /** Calls a function of every process. Resolves with the results when all have carried it out. */
  call<K extends keyof CrowdCalls>(
    name: K,
    ...[parametersOf]: Parameters<CrowdCalls[K]> extends [] ? [] : [(share: Share) => Parameters<CrowdCalls[K]>[0]]
  ): Promise<Awaited<ReturnType<CrowdCalls[K]>>[]> {
    return Promise.all(
      this.#children.map((child, index) => {
        const share: Share = (total) => shareOf(total, index, this.#children.length);
        const parameters = parametersOf === undefined ? [] : [parametersOf(share)];
        return child.call(name, ...(parameters as Parameters<CrowdCalls[K]>));
      }),
    );
  }

  /** Lets the processes end. */
  async end(): Promise<void> {
    await Promise.all(this.#children.map((child) => child.end()));
  }
}

/** Shares out `total` among `parts` so that they add up to it. */
function shareOf(total: number, index: number, parts: number): number {
  return Math.floor((total * (index + 1)) / parts) - Math.floor((total * index) / parts);
}
