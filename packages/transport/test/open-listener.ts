import { join } from "node:path";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { onTestFinished, vi } from "vitest";
import { connectSocket } from "../src/net/connect.js";
import * as binding from "../src/unix/socket-binding.js";
import { SocketListener } from "../src/unix/socket-listener.js";
import { scratchDirectory, turns } from "./scratch.js";

export const LOOK_MS = 2_000;

/** A listener whose clock passes when the test says so; `settled` resolves with what it does next. */
export async function openListener({ sharedDirectory = false } = {}) {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "Date"] });
  onTestFinished(() => void vi.useRealTimers());
  const directory = join(scratchDirectory(), "run");
  const address = join(directory, "a.sock");
  const settings = { access: { mode: 0o600, gid: undefined }, policy: { trustedOwners: [], sharedDirectory } };
  const echo = (stream: Duplex): void => void stream.pipe(stream);
  let resolve: (what: string) => void = () => {};
  const settled = new Promise<string>((settle) => {
    resolve = settle;
  });
  const [onLost, onRelisted] = [vi.fn(() => resolve("lost")), vi.fn(() => resolve("relisted"))];
  const listener = await SocketListener.open(address, settings, echo, { onLost, onRelisted });
  onTestFinished(() => listener.close());
  const answers = async (): Promise<boolean> => {
    const socket = await connectSocket({ path: address }, undefined);
    socket.end("hello");
    return (await text(socket)) === "hello";
  };
  /** Lets the next look fail, and waits until it has. */
  const fail = async (failure: Error): Promise<void> => {
    const bind = vi.mocked(binding.bindSocket);
    const calls = bind.mockRejectedValueOnce(failure).mock.calls.length;
    vi.advanceTimersByTime(LOOK_MS);
    while (bind.mock.calls.length === calls) await turns(1);
    await turns(2);
  };
  return { fail, directory, address, listener, onLost, onRelisted, settled, answers };
}
