import { type Transport, TransportError } from "@ipc/transport";

const lostListener: TransportError = new TransportError("IPC_LISTENER_LOST", "the socket is gone");

/** A transport whose shared endpoints are lost when the test says so, as if the system had closed them. */
export function losable(transport: Transport): { readonly transport: Transport; readonly lose: () => void } {
  const doors: (() => void)[] = [];
  return {
    transport: {
      ...transport,
      address: (...place) => transport.address(...place),
      dial: (...place) => transport.dial(...place),
      listen(name, endpoint, onStream, options) {
        if (endpoint.kind === "name") doors.push(() => options.onLost?.(lostListener));
        return transport.listen(name, endpoint, onStream, options);
      },
    },
    lose: () => {
      for (const lose of doors) lose();
    },
  };
}
