import { clearTimeout, setTimeout } from "node:timers";
import { assertNotAborted } from "../abort.js";
import { connectSocket } from "../net/connect.js";
import { errnoOf } from "../node-error.js";
import { isListedAsListening } from "./listening-path.js";

/** A connect to a socket file succeeds or fails at once; a system on which it hangs gets this long. */
const PROBE_MS = 1_000;

/**
 * Returns whether a server listens at `path`. Only a refusal counts as no: whatever cannot be told is taken for a
 * server, because the caller removes what does not answer.
 *
 * @throws TransportError `IPC_ABORTED`
 */
export async function isAnswering(path: string, signal: AbortSignal | undefined): Promise<boolean> {
  if (await isListedAsListening(path)) return true;
  assertNotAborted(signal, `asking who listens at ${path}`);
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), PROBE_MS);
  const wait = signal === undefined ? deadline.signal : AbortSignal.any([signal, deadline.signal]);
  try {
    const socket = await connectSocket({ path }, wait);
    socket.destroy();
    return true;
  } catch (error) {
    assertNotAborted(signal, `asking who listens at ${path}`);
    const errno = errnoOf(error);
    return errno !== "ECONNREFUSED" && errno !== "ENOENT";
  } finally {
    clearTimeout(timer);
  }
}
