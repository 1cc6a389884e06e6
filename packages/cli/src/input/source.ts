import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { CommandError, EXIT, UsageError } from "../exit-code.js";

/** The longest message that any two sides can agree on, in bytes; a longer input cannot be sent. */
const MAX_BYTES = 1_073_741_824;

/** The source of a command's data. */
export type Source = { readonly text: string } | { readonly stream: Readable } | { readonly file: string };

/**
 * Finds the data of a command: a text, `-` for stdin, `@FILE` for a file; stdin also if nothing is given and stdin is not a terminal.
 * @param what the argument, for the message
 * @throws UsageError for nothing in a terminal, where a command would seem to hang
 */
export function openSource(data: string | undefined, what: string): Source {
  if (data?.startsWith("@") === true) return { file: data.slice(1) };
  if (data !== undefined && data !== "-") return { text: data };
  if (data === undefined && process.stdin.isTTY) {
    throw new UsageError(
      `${what} is missing; give it as an argument, as @FILE, or as - to type it and end with Ctrl-D`,
    );
  }
  return { stream: process.stdin };
}

/** Reads all of a source. @throws UsageError for a file that cannot be read; CommandError for more than 1 GiB */
export async function readAll(source: Source, signal: AbortSignal): Promise<Buffer> {
  if ("text" in source) return Buffer.from(source.text);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of chunksOf(source, signal)) {
    length += chunk.length;
    if (length > MAX_BYTES)
      throw new CommandError(EXIT.failed, `the input has more than ${MAX_BYTES} bytes, the most of a message`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

/**
 * Splits a source at a byte, which belongs to no piece. What follows the last one is a piece too, unless it is empty.
 * @throws UsageError for a file that cannot be read; CommandError for a piece of more than 1 GiB
 */
export async function* splitSource(source: Source, separator: number, signal: AbortSignal): AsyncGenerator<Buffer> {
  // Chunks of a piece that has not ended, joined when it does: each byte is copied once.
  let parts: Buffer[] = [];
  let length = 0;
  const chunks = "text" in source ? [Buffer.from(source.text)] : chunksOf(source, signal);
  for await (const chunk of chunks) {
    let begin = 0;
    for (let end = chunk.indexOf(separator); end !== -1; end = chunk.indexOf(separator, begin)) {
      const last = chunk.subarray(begin, end);
      yield parts.length === 0 ? last : Buffer.concat([...parts, last]);
      parts = [];
      length = 0;
      begin = end + 1;
    }
    if (begin === chunk.length) continue;
    parts.push(chunk.subarray(begin));
    length += chunk.length - begin;
    if (length > MAX_BYTES)
      throw new CommandError(EXIT.failed, `a line has more than ${MAX_BYTES} bytes, the most of a message`);
  }
  if (length > 0) yield Buffer.concat(parts, length);
}

/**
 * Reads a stream until it ends or the signal ends it, and leaves it destroyed, so that it does not keep the process. A file is opened
 * only here, because its error would be uncaught before the loop listens.
 */
async function* chunksOf(source: Exclude<Source, { text: string }>, signal: AbortSignal): AsyncGenerator<Buffer> {
  const stream = "file" in source ? createReadStream(source.file) : source.stream;
  const stop = (): void => void stream.destroy();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    for await (const chunk of stream) yield chunk as Buffer;
  } catch (error) {
    if (signal.aborted) return;
    const { code, message } = error as NodeJS.ErrnoException;
    throw code === undefined ? error : new UsageError(`cannot read the input: ${message}`, { cause: error });
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
