import { join } from "node:path";
import { ChildProgram } from "./child-program.js";
import { type ListenHow, type OwnerNews, type OwnerOrder, SOCKET } from "./owner-order.js";
import type { Place } from "./place.js";

/** The runner's end of a process that owns a socket file, or wants to. */
export class Owner {
  readonly #process: ChildProgram<OwnerOrder, OwnerNews>;
  readonly #directory: string;

  private constructor(directory: string, process: ChildProgram<OwnerOrder, OwnerNews>) {
    this.#directory = directory;
    this.#process = process;
  }

  /** @param uid another user's, if it is to be one */
  static async start(place: Place, ...uid: readonly number[]): Promise<Owner> {
    const child = ChildProgram.start<OwnerOrder, OwnerNews>("owner-program", ...uid.map(String));
    return new Owner(place.directory, await place.watch(child));
  }

  /** Resolves with `ok`, or the code of the error. */
  listen(how: ListenHow = {}): Promise<string> {
    return this.#do({ kind: "listen", directory: this.#directory, ...how });
  }

  listenCarelessly(umask: number): Promise<string> {
    return this.#do({ kind: "listen carelessly", path: join(this.#directory, SOCKET), umask });
  }

  close(at = 0): Promise<string> {
    return this.#do({ kind: "close", at });
  }

  /** Resolves with `ok` when a client was let in and served. */
  dial(...trustedOwners: readonly number[]): Promise<string> {
    return this.#do({ kind: "dial", directory: this.#directory, trustedOwners });
  }

  kill(): Promise<void> {
    return this.#process.kill();
  }

  end(): Promise<void> {
    return this.#process.end();
  }

  async #do(order: OwnerOrder): Promise<string> {
    return (await this.#process.ask(order, "done")).outcome;
  }
}
