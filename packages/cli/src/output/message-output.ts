import type { Output } from "./output.js";
import { payloadFields, payloadText, visibleJson } from "./visible-text.js";

/** A message that a command has received or sent. */
export interface ShownMessage {
  /** The name of the server. */
  readonly name: string;
  readonly direction: "in" | "out";
  readonly type: number;
  readonly data: Uint8Array;
  /** The id of the client, if the command is the server. */
  readonly client?: number;
}

/**
 * Prints a message: as `type 2, 9 bytes: got hello`, as an object, or the payload of what has arrived and a newline. Resolves when there is room for
 * more.
 */
export function printMessage(output: Output, message: ShownMessage): Promise<void> {
  const { name, direction, type, data, client } = message;
  switch (output.format) {
    case "json": {
      const at = new Date().toISOString();
      const of = client === undefined ? {} : { client };
      return output.json({ at, name, direction, ...of, type, ...payloadFields(data) });
    }
    case "raw":
      // An answer of the command would stand between what clients send.
      if (direction === "out") return Promise.resolve();
      return output.bytes(Buffer.concat([data, NEWLINE]));
    case "text": {
      const from = client === undefined ? "" : `client ${client} ${direction === "in" ? "->" : "<-"} `;
      const head = output.style("dim", `${from}type ${type}, ${data.length} bytes:`);
      return output.line(`${head} ${payloadText(data)}`);
    }
  }
}

const NEWLINE = Buffer.from("\n");

/**
 * Prints a value of a call: JSON in lines for people, on one line with `--json`. Bytes are `{"base64":…}` there, and themselves with
 * `--raw`, as texts are.
 */
export function printValue(output: Output, value: unknown): Promise<void> {
  const bytes = ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : undefined;
  if (output.format === "raw") {
    if (bytes !== undefined) return output.bytes(bytes);
    return output.bytes(`${typeof value === "string" ? value : JSON.stringify(value)}\n`);
  }
  if (bytes !== undefined && output.format === "text") return output.line(payloadText(bytes));
  const shown = bytes === undefined ? value : { base64: Buffer.from(bytes).toString("base64") };
  return output.format === "json" ? output.json(shown) : output.line(visibleJson(JSON.stringify(shown, null, 2)));
}
