import { nameOf, withClient } from "../connection/connect.js";
import { Incoming } from "../connection/incoming.js";
import { formatDuration } from "../duration.js";
import { CommandError, EXIT, type ExitCode } from "../exit-code.js";
import type { Invocation } from "../options/command.js";
import type { LISTEN_OPTIONS } from "../options/command-options.js";
import type { Values } from "../options/option.js";
import { printMessage } from "../output/message-output.js";

/** `ipc listen NAME`: prints what a server sends, until it closes, `--count` messages have come, or the time is over. */
export async function run(invocation: Invocation<Values<typeof LISTEN_OPTIONS>>): Promise<ExitCode | undefined> {
  const { options, output, signal } = invocation;
  const { count, type, idle, timeout, reconnect } = options;
  const name = nameOf(invocation);
  let messages = 0;
  let bytes = 0;
  const code = await withClient(invocation, async (client) => {
    output.note(`connected to ${client.remote}`);
    const incoming = new Incoming(client, signal, reconnect);
    while (messages < (count ?? Number.POSITIVE_INFINITY)) {
      const message = await incoming.next(idle ?? timeout, type);
      if (message === "ended") return count === undefined || signal.aborted ? EXIT.done : EXIT.lost;
      if (message === "idle") {
        if (idle !== undefined || timeout === undefined) return EXIT.done;
        throw new CommandError(
          EXIT.timeout,
          `no message within ${formatDuration(timeout)}, after ${messages}; --timeout sets another time`,
        );
      }
      messages++;
      bytes += message.data.length;
      await printMessage(output, { name, direction: "in", type: message.type, data: message.data });
    }
    return EXIT.done;
  });
  output.note(`${messages} messages, ${bytes} bytes`);
  return code;
}
