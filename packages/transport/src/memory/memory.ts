import type { Duplex } from "node:stream";
import { setImmediate } from "node:timers";
import { endpointName, managersOfSlot, slotNameError } from "../endpoint.js";
import type { Listener, Transport } from "../transport.js";
import { assertNotAborted, TransportError } from "../transport-error.js";
import { memoryPair } from "./memory-stream.js";

/**
 * Creates a transport within this process, for tests and for two halves of one program. Each call creates a separate address
 * space: a listener of one cannot be dialled in another. `ref` and `unref` do nothing, because there is no handle.
 *
 * `listen` rejects with `IPC_ADDRESS_IN_USE`, `dial` with `IPC_NO_SERVER`, both with `IPC_ABORTED`.
 */
export function memory(): Transport {
  const open = new Map<string, (stream: Duplex) => void>();
  const transport: Transport = {
    maxRetryDelayMs: 250,
    // The addresses of a slot and of a name can collide (`a`, slot 1; `a1`), as they do in a directory.
    address: (name, endpoint) => `memory:${endpointName(name, endpoint)}`,

    async listen(name, endpoint, onStream, { signal }) {
      const address = transport.address(name, endpoint);
      assertNotAborted(signal, `listening at ${address}`);
      if (open.has(address)) {
        const isManager = (other: string): boolean => open.has(transport.address(other, { kind: "manager" }));
        const manager = endpoint.kind === "name" ? managersOfSlot(name).find(isManager) : undefined;
        if (manager !== undefined) throw slotNameError(address, manager);
        throw new TransportError(
          "IPC_ADDRESS_IN_USE",
          `a server already listens at ${address}; close it, or choose another name`,
        );
      }
      // A new function for each listener, because the same callback may listen here again after a close.
      const accept = (stream: Duplex): void => onStream(stream);
      open.set(address, accept);
      const listener: Listener = {
        address,
        async close() {
          if (open.get(address) === accept) open.delete(address);
        },
        ref() {},
        unref() {},
      };
      return listener;
    },

    async dial(name, endpoint, { signal }) {
      const address = transport.address(name, endpoint);
      assertNotAborted(signal, `dialling ${address}`);
      const accept = open.get(address);
      if (accept === undefined) {
        throw new TransportError(
          "IPC_NO_SERVER",
          `no server listens at ${address}; start it first, with the same memory() transport`,
        );
      }
      const [near, far] = memoryPair();
      // Accept in a later turn of the event loop, as a socket does; if the listener is closed by then, so is the connection.
      setImmediate(() => (open.get(address) === accept ? accept(far) : far.destroy()));
      return near;
    },
  };
  return Object.freeze(transport);
}
