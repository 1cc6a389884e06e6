import type { Duplex } from "node:stream";
import { type Transport, unixSocket } from "@ipc/transport";

/** A client's way to the servers of a directory. Its latest connection can be cut, in the middle of any traffic. */
export function cuttable(directory: string): { readonly transport: Transport; readonly cut: () => void } {
  const inner = unixSocket({ directory });
  let latest: Duplex | undefined;
  const transport: Transport = {
    ...inner,
    async dial(name, endpoint, wait) {
      latest = await inner.dial(name, endpoint, wait);
      return latest;
    },
  };
  return { transport, cut: () => void latest?.destroy() };
}
