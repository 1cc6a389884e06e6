import { type Command, command } from "../options/command.js";
import { PING_OPTIONS } from "../options/command-options.js";

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  command({
    name: "ping",
    form: "<name>",
    summary: "connect, shake hands, and say how the connection is protected",
    details:
      "Prints the time of the connect and the handshake, and the security mode; or the reason why there is no connection. With --timeout it waits until the server is there.",
    options: PING_OPTIONS,
    examples: ["ipc ping orders", "ipc ping orders -c 5 -i 200ms", "ipc ping orders --timeout 10s && echo ready"],
    load: () => import("../commands/ping.js"),
  }),
];
