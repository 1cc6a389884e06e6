import { randomBytes } from "node:crypto";
import { isIpcError, type SecurityOptions, startClient } from "@ipc/client";
import { exampleOptions } from "@ipc-internal/example";
import { NAME } from "./conversation.js";

/** The id of the user without rights on most systems. */
const ANOTHER_USER = 65_534;

const isAnotherUser = becomeAnotherUser();
console.log(
  isAnotherUser
    ? `user ${process.getuid?.()}, not the server's`
    : `user ${process.getuid?.()}, the server's own: only root can show another one, this is a process without the key`,
);
await comeIn("without a key", {});
await comeIn("with a key of its own", { psk: randomBytes(32) });
if (isAnotherUser) await comeIn("with the server's key file", { keyFile: true });

/** This process changes its own user, because the other user may have no right to read this program. */
function becomeAnotherUser(): boolean {
  if (process.getuid?.() !== 0) return false;
  process.setgroups?.([]);
  process.setgid?.(ANOTHER_USER);
  process.setuid?.(ANOTHER_USER);
  return true;
}

async function comeIn(how: string, security: SecurityOptions): Promise<void> {
  try {
    await startClient({ name: NAME, timeoutMs: 10_000, security, ...exampleOptions() });
  } catch (error) {
    if (!isIpcError(error)) throw error;
    console.log(`${how}: ${error.code}, ${error.message}`);
    return;
  }
  throw new Error(`${how}: was let in`);
}
