import { type DataMessage, type ServerConnection, type ServerManager, startServerManager } from "@ipc/manager";
import { openAddress } from "../connection/address.js";
import { loggerOf, nameOf } from "../connection/connect.js";
import { securityOf } from "../connection/security.js";
import { securityText } from "../connection/security-text.js";
import { type ExitCode, UsageError } from "../exit-code.js";
import type { Invocation } from "../options/command.js";
import type { SERVE_OPTIONS } from "../options/command-options.js";
import type { Values } from "../options/option.js";
import { printMessage } from "../output/message-output.js";
import { visible } from "../output/visible-text.js";
import { AnswerCommand } from "../process/answer-command.js";

type Serve = Invocation<Values<typeof SERVE_OPTIONS>>;

/** `ipc serve NAME`: listens, prints what clients send, and answers with it or with what a command makes of it. */
export async function run(invocation: Serve): Promise<ExitCode | undefined> {
  const { rest, options } = invocation;
  const [command, ...args] = rest;
  if (options.echo && command !== undefined) throw new UsageError("--echo and a command exclude each other; give one");
  const answers = command === undefined ? undefined : new AnswerCommand(command, args, options.jobs);
  const address = await openAddress(options);
  try {
    const manager = await listen(invocation, address.options);
    try {
      await new StandIn(invocation, manager, answers).run();
    } finally {
      await answers?.end();
      await manager.close().catch(() => {});
    }
  } finally {
    await address.release();
  }
  return undefined;
}

function listen(
  invocation: Serve,
  address: Awaited<ReturnType<typeof openAddress>>["options"],
): Promise<ServerManager> {
  const { options, output } = invocation;
  const security = securityOf(options);
  return startServerManager({
    name: nameOf(invocation),
    ...address,
    ...(security !== undefined && { security }),
    ...(options.plain && { encryption: false }),
    ...(options.timeout !== undefined && { waitMs: options.timeout }),
    logger: loggerOf(output),
  });
}

/** The server while it runs. */
class StandIn {
  readonly #invocation: Serve;
  readonly #manager: ServerManager;
  readonly #answers: AnswerCommand | undefined;
  #messages = 0;
  #handled = 0;
  #onEnough = (): void => {};

  constructor(invocation: Serve, manager: ServerManager, answers: AnswerCommand | undefined) {
    this.#invocation = invocation;
    this.#manager = manager;
    this.#answers = answers;
  }

  /** Resolves when the signal has come, or `--count` messages have been handled. */
  async run(): Promise<void> {
    const { output, signal } = this.#invocation;
    const manager = this.#manager;
    manager.on("connection", (connection) => this.#serve(connection));
    manager.on("disconnection", ({ id }, error) => {
      const isClosed = error === undefined || error.code === "IPC_PEER_CLOSED";
      output.note(`client ${id} disconnected${isClosed ? "" : `: ${visible(error.message)} (${error.code})`}`);
    });
    manager.on("refused", (error) => output.note(`refused a client: ${visible(error.message)} (${error.code})`));
    output.note(`listening at ${manager.address}`);
    await new Promise<void>((resolve, reject) => {
      this.#onEnough = resolve;
      signal.addEventListener("abort", () => resolve(), { once: true });
      if (signal.aborted) resolve();
      manager.on("error", reject);
    });
    output.note(`${this.#messages} messages`);
  }

  async #serve(connection: ServerConnection): Promise<void> {
    const { output } = this.#invocation;
    output.note(`client ${connection.id} connected, ${securityText(connection.security, "client")}`);
    for await (const message of connection) await this.#handle(connection.id, message);
  }

  async #handle(client: number, message: DataMessage): Promise<void> {
    const { options, output } = this.#invocation;
    const { count } = options;
    if (count !== undefined && this.#messages >= count) return;
    this.#messages++;
    const name = nameOf(this.#invocation);
    await printMessage(output, { name, direction: "in", type: message.type, data: message.data, client });
    const answer = await this.#answerOf(message);
    if (answer !== undefined) await this.#reply(client, message, answer);
    if (++this.#handled === count) this.#onEnough();
  }

  async #reply(client: number, message: DataMessage, data: Uint8Array): Promise<void> {
    const { options, output } = this.#invocation;
    const type = options.type ?? message.type;
    try {
      await message.reply(type, data);
    } catch (error) {
      // The client has gone, or the answer is too long for it.
      output.note(`no answer for client ${client}: ${visible((error as Error).message)}`);
      return;
    }
    await printMessage(output, { name: nameOf(this.#invocation), direction: "out", type, data, client });
  }

  /** Returns the answer; a command that fails gives none, and the server goes on. */
  async #answerOf({ data }: DataMessage): Promise<Uint8Array | undefined> {
    if (this.#answers === undefined) return this.#invocation.options.echo ? data : undefined;
    try {
      return await this.#answers.answer(data);
    } catch (error) {
      this.#invocation.output.note(visible((error as Error).message));
      return undefined;
    }
  }
}
