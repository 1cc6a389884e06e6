import type { ChildProcess } from "node:child_process";
import type { Duplex } from "node:stream";
import { assertInteger, assertKnownOptions, formatValue } from "../option-check.js";
import type { Transport } from "../transport.js";
import { singleStream } from "./single-stream.js";

/** The descriptors 0 to 2 are those of the standard streams. */
export const MIN_DESCRIPTOR = 3;
/** Far more than a child is given; bounds the list in the error message. */
export const MAX_DESCRIPTOR = 255;

export interface ChildProcessOptions {
  /** The descriptor in the child, and the index in its `stdio`, 3 … 255. @default 3 */
  readonly fd?: number;
}

/**
 * Creates the transport to a child process, over a pipe that `spawn` or `fork` has opened: the entry `"pipe"` at `fd` of its option
 * `stdio`. The child uses `parentProcess({ fd })`; either side is the server. It has one connection: for the next child, call this
 * function again.
 *
 * The connection ends when the child does. `dial` and `listen` reject with `IPC_PEER_GONE` when it has ended, with
 * `IPC_ADDRESS_IN_USE` while it is in use, with `IPC_ABORTED`. A server closes when its connection has ended.
 *
 * @throws TypeError, RangeError naming the option or the entry of `stdio`
 */
export function childProcess(
  child: Pick<ChildProcess, "stdio" | "pid" | "exitCode" | "signalCode">,
  options: ChildProcessOptions = {},
): Transport {
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
  return singleStream({
    stream,
    address: `child process ${child.pid ?? "that did not start"}`,
    describeEnd: () =>
      `${describeEnd(child)}; start a new child process, and a client or server with the transport to it`,
  });
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

function describeEnd({ pid, exitCode, signalCode }: Pick<ChildProcess, "pid" | "exitCode" | "signalCode">): string {
  if (pid === undefined) return "the child process did not start";
  if (signalCode !== null) return `child process ${pid} has ended (${signalCode})`;
  if (exitCode !== null) return `child process ${pid} has ended (exit code ${exitCode})`;
  return `the connection to child process ${pid} has ended`;
}
