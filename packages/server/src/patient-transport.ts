import { setTimeout as sleep } from "node:timers/promises";
import { isIpcError } from "@ipc/session";
import { abortError } from "@ipc/session/internal";
import { type Listener, type Transport, TransportError } from "@ipc/transport";
import { followSignal } from "@ipc/transport/internal";

/** Between two attempts, in milliseconds. */
const RETRY_MS = 50;

/**
 * Wraps a transport so that `listen` waits while the address of a name is in use: the process that a watcher or a supervisor has
 * just told to end may still be closing. A slot's address is not waited for, because a manager takes the next one.
 *
 * `listen` rejects as that of the transport; with IPC_ADDRESS_IN_USE only when the time is over.
 *
 * @param waitMs from the first attempt, for all endpoints together
 */
export function patientTransport(transport: Transport, waitMs: number): Transport {
  if (waitMs === 0) return transport;
  let giveUpAt: number | undefined;

  const listen: Transport["listen"] = async (name, endpoint, onStream, options): Promise<Listener> => {
    giveUpAt ??= performance.now() + waitMs;
    for (;;) {
      try {
        return await transport.listen(name, endpoint, onStream, options);
      } catch (cause) {
        if (!isIpcError(cause) || cause.code !== "IPC_ADDRESS_IN_USE" || endpoint.kind === "slot") throw cause;
        if (performance.now() >= giveUpAt) {
          throw new TransportError("IPC_ADDRESS_IN_USE", `${cause.message} (waited ${waitMs} ms)`, { cause });
        }
      }
      // The timer keeps the process alive, because nothing else does.
      const { signal } = options;
      await followSignal(signal, (own) => sleep(RETRY_MS, undefined, own)).catch(() => {});
      if (signal?.aborted === true) throw abortError("startServer", signal);
    }
  };

  return Object.freeze({
    ...(transport.requiresKeys === true && { requiresKeys: true }),
    listen,
    address: (name, endpoint) => transport.address(name, endpoint),
    dial: (name, endpoint, options) => transport.dial(name, endpoint, options),
  } satisfies Transport);
}
