import type { Duplex } from "node:stream";
import { clearTimeout, setTimeout } from "node:timers";
import { assertInteger, assertKnownOptions, formatValue } from "../option-check.js";
import type { Transport } from "../transport.js";
import { onlyTransport } from "./single-stream.js";

/** The descriptors 0 to 2 are those of the standard streams. */
export const MIN_DESCRIPTOR = 3;
/** Far more than a child is given; bounds the list in the error message. */
export const MAX_DESCRIPTOR = 255;

/** How long a dial waits for the exit of a child whose connection has ended, in milliseconds: a child may close it and live on. */
const EXIT_WAIT_MS = 500;

/** The part of a ChildProcess of `node:child_process` that the transport uses. */
export interface ChildProcessLike {
  readonly stdio: readonly unknown[];
  readonly pid?: number | undefined;
  readonly exitCode: number | null;
  readonly signalCode: string | null;
  once(event: "exit", listener: () => void): unknown;
  off(event: "exit", listener: () => void): unknown;
}

export interface ChildProcessOptions {
  /** The descriptor in the child, and the index in its `stdio`, 3 … 255. @default 3 */
  readonly fd?: number;
}

/**
 * Creates the transport to a child process, over a pipe that `spawn` or `fork` has opened: the entry `"pipe"` at `fd` of its option
 * `stdio`. The child uses `parentProcess({ fd })`; either side is the server. It has one connection, and calls
 * for the same pipe return the same transport: for the next child, call this function again.
 *
 * The connection ends when the child does. `dial` and `listen` reject with `IPC_PEER_GONE` when it has ended, with
 * `IPC_ADDRESS_IN_USE` while it is in use, with `IPC_ABORTED`. A server closes when its connection has ended.
 *
 * @throws TypeError, RangeError naming the option or the entry of `stdio`
 */
export function childProcess(child: ChildProcessLike, options: ChildProcessOptions = {}): Transport {
  assertKnownOptions(options, ["fd"], "childProcess()");
  const { fd = MIN_DESCRIPTOR } = options;
  assertInteger(fd, "fd", MIN_DESCRIPTOR, MAX_DESCRIPTOR);
  const stdio: unknown = typeof child === "object" && child !== null ? child.stdio : undefined;
  if (!Array.isArray(stdio)) throw new TypeError(`childProcess() takes a ChildProcess, got ${formatValue(child)}`);
  const stream: unknown = stdio[fd];
  if (!isDuplex(stream)) {
    throw new TypeError(
      `childProcess(): \`child.stdio[${fd}]\` must be a pipe in both directions, got ${formatValue(stream)}; start the child with \`${stdioWith(fd)}\``,
    );
  }
  return onlyTransport(stream, () => ({
    stream,
    address: `child process ${child.pid ?? "that did not start"}`,
    describeEnd: async () => {
      await untilExit(child);
      return `${describeEnd(child)}; start a new child process, and a client or server with the transport to it`;
    },
  }));
}

/** Returns the option of `spawn` that opens a pipe at `fd`, as source text. */
export function stdioWith(fd: number): string {
  const entries = [...Array.from({ length: fd }, () => `"inherit"`), `"pipe"`];
  return `stdio: [${entries.join(", ")}]`;
}

function isDuplex(stream: unknown): stream is Duplex {
  if (typeof stream !== "object" || stream === null) return false;
  return ["read", "write", "destroy"].every((name) => typeof Reflect.get(stream, name) === "function");
}

/** Resolves when the exit of the child is known, which comes after the end of its pipe, or the time is over. */
async function untilExit(child: ChildProcessLike): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    const limit = setTimeout(settle, EXIT_WAIT_MS);
    child.once("exit", settle);
    function settle(): void {
      clearTimeout(limit);
      child.off("exit", settle);
      resolve();
    }
  });
}

function describeEnd({ pid, exitCode, signalCode }: ChildProcessLike): string {
  if (pid === undefined) return "the child process did not start";
  if (signalCode !== null) return `child process ${pid} has ended (${signalCode})`;
  if (exitCode !== null) return `child process ${pid} has ended (exit code ${exitCode})`;
  return `the connection to child process ${pid} has ended`;
}
