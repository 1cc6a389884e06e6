import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { setImmediate } from "node:timers/promises";
import { onTestFinished } from "vitest";

/** Resolves when a server of that name in this process has completed `count` handshakes more, and seen to what follows. */
export async function nextHandshakes(name: string, count = 1): Promise<void> {
  let missing = count;
  await new Promise<void>((resolve) => {
    const look = (news: unknown): void => {
      const { role, name: whose } = news as { readonly role: string; readonly name: string };
      if (role !== "server" || whose !== name || --missing > 0) return;
      unsubscribe("ipc:handshake", look);
      resolve();
    };
    subscribe("ipc:handshake", look);
    onTestFinished(() => void unsubscribe("ipc:handshake", look));
  });
  await setImmediate();
}
