import { clearTimeout, setTimeout } from "node:timers";
import type { Client } from "@ipc/client";
import { nameOf, withClient } from "../connection/connect.js";
import { callFailure, noAnswer, remoteMethod } from "../connection/remote-method.js";
import { type ExitCode, UsageError } from "../exit-code.js";
import { openSource, readAll, splitSource } from "../input/source.js";
import type { Invocation } from "../options/command.js";
import type { CALL_OPTIONS } from "../options/command-options.js";
import type { Values } from "../options/option.js";
import { printValue } from "../output/message-output.js";

type Call = Invocation<Values<typeof CALL_OPTIONS>>;

/** How long the first item or the result may take unless `--timeout` says otherwise, as calls of the library do, in milliseconds. */
const FIRST_ANSWER_MS = 30_000;
const NEWLINE = 10;

/** `ipc call NAME METHOD [JSON]`: calls a method and prints its items and its result. */
export async function run(invocation: Call): Promise<ExitCode | undefined> {
  const { args, options } = invocation;
  const [, method, data] = args;
  if (method === undefined) throw new UsageError("the name of the method is missing");
  if (options.items && options.oneWay)
    throw new UsageError("--items and --one-way exclude each other; give one of them");
  if (options.items && data === "-")
    throw new UsageError("--items reads stdin, so the input cannot be -; give it as JSON");
  nameOf(invocation);
  const input = await readInput(invocation, data);
  const work = async (client: Client): Promise<void> => {
    try {
      await call(invocation, client, method, input);
    } catch (error) {
      throw callFailure(error);
    }
  };
  await withClient(invocation, work, options.oneWay);
  return undefined;
}

async function call({ options, output, signal }: Call, client: Client, method: string, input: unknown): Promise<void> {
  const { timeout = FIRST_ANSWER_MS } = options;
  const meta = Object.fromEntries(options.meta);
  const remote = remoteMethod(client, method);
  if (options.oneWay) {
    await remote(input, { oneWay: true, meta });
    await client.flush({ signal });
    return;
  }
  const late = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let isAnswered = false;
  const awaitAnswer = (): void => {
    if (!isAnswered) timer = setTimeout(() => late.abort(), timeout);
  };
  try {
    // The user's items may take any time; what is awaited is the answer to all of them.
    const items = options.items ? { items: parseLines(signal, awaitAnswer) } : {};
    if (!options.items) awaitAnswer();
    const answer = remote(input, { signal: AbortSignal.any([signal, late.signal]), timeoutMs: 0, meta, ...items });
    for await (const item of answer) {
      isAnswered = true;
      clearTimeout(timer);
      await printValue(output, item);
    }
    const result = await answer.result;
    if (result !== undefined) await printValue(output, result);
  } catch (error) {
    throw late.signal.aborted ? noAnswer(method, timeout) : error;
  } finally {
    clearTimeout(timer);
  }
}

/** Reads the input of the call: nothing, JSON, or bytes. */
async function readInput({ options, signal }: Call, data: string | undefined): Promise<unknown> {
  if (data === undefined) return undefined;
  const bytes = await readAll(openSource(data, "JSON"), signal);
  if (options.bytes) return new Uint8Array(bytes);
  const text = bytes.toString("utf8").trim();
  return text === "" ? undefined : parseJson("the input", text);
}

async function* parseLines(signal: AbortSignal, onEnd: () => void): AsyncGenerator<unknown> {
  let line = 0;
  for await (const piece of splitSource(openSource("-", "items"), NEWLINE, signal)) {
    line++;
    const text = piece.toString("utf8").trim();
    if (text !== "") yield parseJson(`line ${line}`, text);
  }
  onEnd();
}

function parseJson(what: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new UsageError(`${what} is not JSON: ${(error as Error).message}; a string needs quotes: '"text"'`);
  }
}
