import { randomBytes } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { GoEnd } from "./go-end.js";
import { GoProcess } from "./go-process.js";

/** golang-ipc v1.3.5 has no other place for its sockets (vars.go, `SOCKET_NAME_BASE`). */
export const GO_DIRECTORY = "/tmp";

export interface GoPeerOptions {
  readonly role: "server" | "client";
  readonly name: string;
  readonly encryption: boolean;
  /** golang-ipc's `MultiClient`: both ends must have it, or neither. @default false */
  readonly multiClient?: boolean;
  /** Client only: of a dial, 0 = for ever. @default 10_000 */
  readonly timeoutMs?: number;
}

/** Gives a name that no other test, of this process or another, uses at the same time. */
export function uniqueName(): string {
  return `ipc-test-${process.pid}-${randomBytes(4).toString("hex")}`;
}

/**
 * A real golang-ipc endpoint in a process of its own.
 *
 * `await using peer = new GoPeer(…)`: at the end of the block the process is gone, and its socket files as well.
 * The ends of a multi-client server's connections are to be had from `client`; it has none of its own.
 */
export class GoPeer extends GoEnd implements AsyncDisposable {
  /** Complaints of golang-ipc or go-peer outside of any command. */
  readonly errors: readonly string[];
  readonly #options: GoPeerOptions;
  readonly #process: GoProcess;
  #clientId = 0;

  /** @param program the path that `buildGoPeer` gave */
  constructor(program: string, options: GoPeerOptions) {
    const process = new GoProcess(program, flags(options), `go ${options.role} ${options.name}`);
    super(process, 0);
    this.#options = options;
    this.#process = process;
    this.errors = process.errors;
  }

  /** Listens (server), or connects (client): resolves when it may write. */
  async start(): Promise<void> {
    const { clientId } = (await this.#process.command("start", {})) as { readonly clientId: number };
    this.#clientId = clientId;
  }

  /** The id that a multi-client server gave this client at its last start: 1, 2, 3 …; 0 for everything else. */
  get clientId(): number {
    return this.#clientId;
  }

  /** Gives a multi-client server's end of its connection with the client of that id, which need not be there yet. */
  client(id: number): GoEnd {
    return new GoEnd(this.#process, id);
  }

  /**
   * Resolves when a multi-client server would serve another id requester; call it after the `start` of the last one.
   *
   * golang-ipc's manager serves one connection at a time. Another that is dialled before it has noticed the end of the
   * last is accepted and never served, and golang-ipc's client waits for its id for ever.
   */
  async managerFree(): Promise<void> {
    await this.#process.command("free", {});
  }

  /** Closes the connections that golang-ipc has accepted and does not serve: Go does when it collects its garbage. */
  async closeForgotten(): Promise<void> {
    await this.#process.command("collect", {});
  }

  /** Closes in an orderly way, one-way messages settled by a report. Then `start` may follow. */
  async close(): Promise<void> {
    await this.#process.command("close", {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
    await removeSockets(this.#options);
  }
}

/** golang-ipc removes its sockets when it closes, but not when it is killed. */
async function removeSockets({ role, name, multiClient }: GoPeerOptions): Promise<void> {
  if (role === "client") return;
  const isOwn = multiClient ? /^(_manager|[1-9]\d*)?\.sock$/ : /^\.sock$/;
  const own = (await readdir(GO_DIRECTORY)).filter(
    (file) => file.startsWith(name) && isOwn.test(file.slice(name.length)),
  );
  await Promise.all(own.map((file) => rm(`${GO_DIRECTORY}/${file}`, { force: true })));
}

function flags({ role, name, encryption, multiClient = false, timeoutMs }: GoPeerOptions): string[] {
  const given = ["--role", role, "--name", name, `--encryption=${encryption}`, `--multi=${multiClient}`];
  return timeoutMs === undefined ? given : [...given, "--timeout-ms", `${timeoutMs}`];
}
