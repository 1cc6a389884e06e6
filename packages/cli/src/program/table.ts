import { type Command, command } from "../options/command.js";
import {
  BENCH_OPTIONS,
  CALL_OPTIONS,
  DESCRIBE_OPTIONS,
  KEY_OPTIONS,
  LISTEN_OPTIONS,
  LS_OPTIONS,
  PING_OPTIONS,
  SEND_OPTIONS,
  SERVE_OPTIONS,
} from "../options/command-options.js";
import { CLIENT_OPTIONS } from "../options/shared-options.js";

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
      "DATA is a text, @FILE, or - for stdin, which is read also if DATA is left out. Sending ends with the input; then --wait answers are awaited, all of them within --timeout.",
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
  command({
    name: "call",
    form: "<name> <method> [json]",
    summary: "call a method of @ipc/rpc, and print its items and its result",
    details:
      "The input is JSON, @FILE, or - for stdin. Items are printed one per line with --json, and the result last. The first item or the result must come within --timeout (default: 30s).",
    options: CALL_OPTIONS,
    examples: [
      `ipc call orders get '{"id":7}' --json | jq .total`,
      `ipc call orders watch '{"above":10}' --json | head -3`,
      "seq 3 | ipc call orders upload --items",
    ],
    load: () => import("../commands/call.js"),
  }),
  command({
    name: "describe",
    form: "<name> [method]",
    summary: "print the methods of a server, and their schemas",
    details: "Asks the server's method ipc.describe, which a server may refuse. --json prints JSON Schemas.",
    options: DESCRIBE_OPTIONS,
    examples: [
      "ipc describe orders",
      "ipc describe orders --ts > orders.ts",
      "ipc describe orders get --json | jq .input",
    ],
    load: () => import("../commands/describe.js"),
  }),
  command({
    name: "bench",
    form: "<name>",
    summary: "measure round trips with a server that answers each message",
    details: "`ipc serve NAME --echo` is such a server. --window sends more messages before the first answer.",
    options: BENCH_OPTIONS,
    examples: ["ipc bench orders", "ipc bench orders -n 100000 -s 1024 -w 64 --json"],
    load: () => import("../commands/bench.js"),
  }),
  command({
    name: "doctor",
    form: "[name]",
    summary: "find out why a client cannot connect, or a server cannot start",
    details:
      "Checks the path, the directories, the socket file, its owner and its server, keys and the handshake; without a NAME, the sockets of this machine. Each finding has what was seen, why it matters and what mends it. The exit code is 1 when a check failed.",
    options: CLIENT_OPTIONS,
    examples: [
      "ipc doctor",
      "ipc doctor orders --key-file",
      `ipc doctor --json | jq -r 'select(.state=="failed").mend'`,
    ],
    load: () => import("../commands/doctor.js"),
  }),
  command({
    name: "key",
    form: "<new|show> <file>",
    summary: "make a key, or show its fingerprint and its public key",
    details:
      "A pre-shared key is for --psk-file and --key-file of both sides. An identity is for --identity, and its public key, which is in FILE.pub, for --trust of the other side. A file with a secret is readable for you alone. No file is replaced without --force. A secret is printed only with --secret.",
    options: KEY_OPTIONS,
    examples: [
      "ipc key new orders.psk",
      "ipc key new me.pem --kind identity",
      "ipc key show me.pem --raw >> trusted.pem",
    ],
    load: () => import("../commands/key.js"),
  }),
  command({
    name: "completion",
    form: "<bash|zsh|fish>",
    summary: "print the script with which a shell completes commands, flags and names",
    details:
      "Completes the names of servers in the directory, and the methods of a server that describes them. The shell's start file can read the script instead; its first lines say how.",
    options: {},
    examples: [
      "ipc completion bash > ~/.local/share/bash-completion/completions/ipc",
      "ipc completion zsh > ~/.zfunc/_ipc",
      "ipc completion fish > ~/.config/fish/completions/ipc.fish",
    ],
    load: () => import("../commands/completion.js"),
  }),
  command({
    name: "complete",
    form: "[words...]",
    summary: "print what may stand at the end of a command line",
    details: "The scripts of ipc completion run it.",
    options: {},
    examples: ["ipc complete -- ping or"],
    isHidden: true,
    load: async () => {
      const { completing } = await import("../commands/completion.js");
      return { run: completing(COMMANDS.filter(({ isHidden }) => isHidden !== true)) };
    },
  }),
];
