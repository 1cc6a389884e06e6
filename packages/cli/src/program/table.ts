import { type Command, command } from "../options/command.js";
import { LISTEN_OPTIONS, LS_OPTIONS, PING_OPTIONS, SEND_OPTIONS, SERVE_OPTIONS } from "../options/command-options.js";

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  command({
    name: "ls",
    form: "",
    summary: "list the sockets of this machine, and which of them listen",
    details:
      "Looks into /tmp and your private directory, or into --directory. A stale socket has no server any more; the next server of its user replaces it. A refused one is closed to you.",
    options: LS_OPTIONS,
    examples: ["ipc ls", `ipc ls --json | jq -r 'select(.state=="stale").path'`],
    load: () => import("../commands/ls.js"),
  }),
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
  command({
    name: "send",
    form: "<name> [data]",
    summary: "send a message, or one for each line, and print the answers",
    details:
      "DATA is a text, @FILE, or - for stdin, which is read also if DATA is left out. Sending ends with the input; then --wait answers are awaited, each at most --timeout.",
    options: SEND_OPTIONS,
    examples: [
      "ipc send orders hello --wait 1",
      "tail -f app.log | ipc send orders --lines -t 3",
      "ipc send orders @picture.png -t 7",
    ],
    load: () => import("../commands/send.js"),
  }),
  command({
    name: "listen",
    form: "<name>",
    summary: "connect, and print what the server sends",
    details:
      "Ends when the server closes, after --count messages, or after --idle without one. With --timeout, a message that comes later is a failure, exit code 5.",
    options: LISTEN_OPTIONS,
    examples: [
      "ipc listen orders",
      "ipc listen orders -n 1 --timeout 5s && echo ready",
      "ipc listen orders --json | jq .",
    ],
    load: () => import("../commands/listen.js"),
  }),
  command({
    name: "serve",
    form: "<name> [command...]",
    summary: "listen as a stand-in server, and print what clients send",
    details:
      "With --echo each message is its own answer. A COMMAND after -- runs for each message: it gets the message on stdin, and what it prints is the answer.",
    options: SERVE_OPTIONS,
    examples: ["ipc serve orders --echo", "ipc serve orders -- sh -c 'tr a-z A-Z'"],
    load: () => import("../commands/serve.js"),
  }),
];
