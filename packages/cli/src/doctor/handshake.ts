import type { Address } from "../connection/address.js";
import { connectAt } from "../connection/connect.js";
import { securityText } from "../connection/security-text.js";
import { formatDuration } from "../duration.js";
import { EXIT, exitCodeOf } from "../exit-code.js";
import type { Invocation } from "../options/command.js";
import type { ClientOptions } from "../options/shared-options.js";
import { bad, explain, type Finding, good, type Problem } from "./finding.js";

const PROBLEM_OF: ReadonlyMap<string, Problem> = new Map([
  ["IPC_ENCRYPTION_REFUSED", "encryption-mismatch"],
  ["IPC_VERSION_MISMATCH", "version-mismatch"],
  ["IPC_SECURITY_REFUSED", "security-mismatch"],
  ["IPC_AUTHENTICATION_FAILED", "security-mismatch"],
  ["IPC_NOT_AUTHORIZED", "security-mismatch"],
  ["IPC_HANDSHAKE_TIMEOUT", "no-answer"],
  ["IPC_TIMED_OUT", "no-answer"],
  ["IPC_NO_SERVER", "no-server"],
  ["IPC_PERMISSION_DENIED", "no-permission"],
  ["IPC_UNTRUSTED_SOCKET", "wrong-owner"],
  ["IPC_KEY_FILE_UNTRUSTED", "key-not-private"],
]);

const ALONE = "no manager listens beside it";
const SINGLE_CLIENT = {
  seen: `${ALONE}, and it speaks golang-ipc's protocol`,
  mend: "start the golang-ipc server with `MultiClient: true`, or a server of @ipc/manager, for more than one client",
};

/**
 * Connects once, with the options and keys of the command line, and closes.
 * @param isSingle whether the server has no manager beside it, so that it serves one client at a time
 */
export async function examineHandshake(
  address: Address,
  where: string,
  invocation: Invocation<ClientOptions>,
  isSingle: boolean,
): Promise<Finding[]> {
  const begin = performance.now();
  try {
    const client = await connectAt(address, invocation, { once: true });
    const time = formatDuration(performance.now() - begin);
    const { security } = client;
    await client.close();
    const connected = good("handshake", where, `${time}, ${securityText(security)}`);
    if (!isSingle || security.mode === "secure") return [connected];
    return [connected, { ...bad("manager", "single-client-server", where, SINGLE_CLIENT), state: "warning" }];
  } catch (error) {
    if (invocation.signal.aborted || exitCodeOf(error) === EXIT.usage) throw error;
    // Without a code: nothing has answered the dial in time.
    const isSilent = exitCodeOf(error) === EXIT.timeout && !("code" in (error as Error));
    const problem = isSilent ? "no-server" : problemOf(error as { readonly code?: string });
    const { seen, mend } = explain(error as Error);
    if (problem !== "no-answer" || !isSingle) return [bad("handshake", problem, where, { seen, mend })];
    const waiting = { seen: `${seen}; ${ALONE}`, mend: `end its other client, or ${SINGLE_CLIENT.mend}` };
    return [bad("handshake", "single-client-server", where, waiting)];
  }
}

function problemOf({ code = "" }: { readonly code?: string }): Problem {
  return PROBLEM_OF.get(code) ?? "handshake-failed";
}
