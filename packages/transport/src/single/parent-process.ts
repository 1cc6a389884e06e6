import { fstatSync } from "node:fs";
import { Socket } from "node:net";
import { codeOf } from "../node-error.js";
import { assertBoolean, assertInteger, assertKnownOptions } from "../option-check.js";
import type { Transport } from "../transport.js";
import { MAX_DESCRIPTOR, MIN_DESCRIPTOR, stdioWith } from "./child-process.js";
import { singleStream } from "./single-stream.js";

export interface ParentProcessOptions {
  /** The descriptor that the parent has opened for this process, 3 … 255. @default 3 */
  readonly fd?: number;
  /**
   * Whether this process ends, with `process.exit()`, when the connection has ended: because the parent was killed, has ended, or
   * has closed its side. Takes effect with the client or server of this process. @default false: the server of this process
   * closes, and the process ends when nothing else keeps it alive
   */
  readonly endWithParent?: boolean;
}

/** A descriptor is opened once, because two sockets would close it twice, and then another file with its number. */
const opened = new Map<number, { readonly transport: Transport; endWithParent: boolean }>();

/**
 * Creates the transport of a child process to its parent, which uses `childProcess(child, { fd })`. It has one connection; calls
 * with the same `fd` return the same transport.
 *
 * `dial` and `listen` reject as those of `childProcess`. A server closes when its connection has ended.
 *
 * @throws TypeError, RangeError naming the option; TypeError when the descriptor is no pipe in both directions
 */
export function parentProcess(options: ParentProcessOptions = {}): Transport {
  assertKnownOptions(options, ["fd", "endWithParent"], "parentProcess()");
  const { fd = MIN_DESCRIPTOR, endWithParent = false } = options;
  assertInteger(fd, "fd", MIN_DESCRIPTOR, MAX_DESCRIPTOR);
  assertBoolean(endWithParent, "endWithParent");
  const known = opened.get(fd);
  if (known !== undefined) {
    if (endWithParent) known.endWithParent = true;
    return known.transport;
  }
  const stream = openSocket(fd);
  // Nothing keeps the process alive before a client or a server uses the transport.
  stream.unref();
  stream.once("close", () => {
    if (opened.get(fd)?.endWithParent === true) process.exit();
  });
  const transport = singleStream({
    stream,
    address: `parent process at descriptor ${fd}`,
    describeEnd: () =>
      `the connection to the parent process at descriptor ${fd} has ended; let the parent start this process again`,
    onTaken: () => void stream.ref(),
  });
  opened.set(fd, { transport, endWithParent });
  return transport;
}

/** @throws TypeError */
function openSocket(fd: number): Socket {
  let cause: unknown;
  try {
    // Another descriptor with this number may be one of Node's own, which must not be read or closed.
    if (process.platform === "win32" || (fstatSync(fd).isSocket() && fd !== channelDescriptor())) {
      return new Socket({ fd, readable: true, writable: true });
    }
  } catch (error) {
    cause = error;
  }
  const got = cause === undefined ? "a file of another kind" : (codeOf(cause) ?? String(cause));
  throw new TypeError(
    `parentProcess(): descriptor ${fd} must be a pipe in both directions, got ${got}; let the parent start this process with \`${stdioWith(fd)}\``,
    { cause },
  );
}

/** The descriptor of `process.send`, where there is one. */
function channelDescriptor(): unknown {
  return process.channel && Reflect.get(process.channel, "fd");
}
