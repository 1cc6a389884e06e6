import { memoryPair } from "@ipc/transport";
import { describe, expect, test } from "vitest";
import { bytes, openGolden, refused } from "../../test/golden-vectors.js";
import type { IpcError } from "../errors.js";

interface Outcome {
  readonly code: string;
  /** All that the refusing side sent, in items. */
  readonly sent: readonly string[];
}

/** Plays the side that refuses, which ends the stream, over a stream that carries what the vector holds. */
async function play({ role, session: name, received, ends }: (typeof refused)[number]): Promise<Outcome> {
  const [near, far] = memoryPair();
  const sent: string[] = [];
  far.on("data", (item: Buffer) => sent.push(item.toString("hex")));
  far.on("error", () => {});
  const end = new Promise((resolve) => far.once("end", resolve).once("close", resolve));
  far.write(bytes(received));
  if (ends) far.end();
  try {
    const session = await openGolden(role, name, near);
    session.on("message", () => {});
    const { code, cause } = await new Promise<IpcError>((resolve) => session.once("lost", resolve));
    await end;
    // A truncation is the cause of a connection that was lost.
    return { code: code === "IPC_CONNECTION_LOST" ? (cause as IpcError).code : code, sent };
  } catch (error) {
    await end;
    return { code: (error as IpcError).code, sent };
  } finally {
    far.destroy();
  }
}

describe.each(["client", "server"] as const)("a %s rejects its peer as the vectors of ipcx/1 require", (role) => {
  test.each(refused.filter((refusal) => refusal.role === role))("$about", async (refusal) => {
    const { code, sent } = await play(refusal);
    expect(code).toBe(refusal.code);
    if (refusal.answer !== undefined) expect(sent.at(-1)).toBe(refusal.answer);
  });
});
