import { dirname, join } from "node:path";
import { findManagerOfSlot, readListeningSockets } from "@ipc/transport/internal";
import { openAddress } from "../connection/address.js";
import { nameOf } from "../connection/connect.js";
import { directoriesOf, listSockets } from "../connection/endpoint.js";
import { withoutSecrets } from "../connection/security-text.js";
import { UsageError } from "../exit-code.js";
import type { Invocation } from "../options/command.js";
import type { ClientOptions } from "../options/shared-options.js";
import { examineDirectory, isClosed } from "./directory.js";
import { bad, type Finding } from "./finding.js";
import { examineHandshake } from "./handshake.js";
import { examineKeys } from "./key.js";
import { examinePath, hasManager, statsOf } from "./place.js";
import { examineLock, examineSocket } from "./socket.js";

type Doctor = Invocation<ClientOptions>;

/** Checks everything between this user and one server, and connects if nothing is in the way. */
export async function* examineServer(invocation: Doctor): AsyncGenerator<Finding> {
  const { options } = invocation;
  const name = nameOf(invocation);
  const [directory = ""] = directoriesOf(options.directory ?? "/tmp");
  const remote = options.tcp ?? (options.nats === undefined ? undefined : withoutSecrets(options.nats));
  const address = await openAddress(options);
  try {
    let isHindered = false;
    for await (const finding of examineFiles(name, directory, invocation)) {
      isHindered ||= finding.state === "failed";
      yield finding;
    }
    if (isHindered) return;
    const isSingle = remote === undefined && !hasManager(directory, name);
    yield* await examineHandshake(address, remote ?? join(directory, `${name}.sock`), invocation, isSingle);
  } finally {
    await address.release();
  }
}

async function* examineFiles(name: string, directory: string, { options, signal }: Doctor): AsyncGenerator<Finding> {
  yield* examineKeys(name, options);
  // A named pipe of Windows has no file that could be looked at.
  if (options.tcp !== undefined || options.nats !== undefined || process.platform === "win32") return;
  const path = examinePath(directory, name, "name");
  yield path;
  if (path.state !== "ok") return;
  const place = examineDirectory(directory);
  yield place;
  if (isClosed(place)) return;
  const socket = await examineSocket(path.path, await readListeningSockets());
  yield socket.problem === "no-server" ? withOtherPlace(socket, directory, name) : socket;
  yield* examineLock(path.path);
  const manager = await findManagerOfSlot(directory, name, signal);
  if (manager !== undefined) yield slotOf(manager, name, path.path);
  if (options.multiClient) yield* examineManager(directory, name, path.path);
}

function slotOf(manager: string, name: string, path: string): Finding {
  return bad("manager", "slot-of-manager", path, {
    seen: `it is the place of client ${name.slice(manager.length)} of manager ${manager}, which listens`,
    mend: "choose a name that does not end in a digit, or another directory",
  });
}

/** Clients that request an id need a manager. */
function examineManager(directory: string, name: string, path: string): Finding[] {
  const manager = examinePath(directory, name, "manager");
  if (manager.state !== "ok") return [manager];
  if (statsOf(manager.path) !== undefined || statsOf(path) === undefined) return [];
  return [
    bad("manager", "single-client-server", manager.path, {
      seen: `no such file, where --multi-client requests an id, and a socket at ${path}`,
      mend: "leave --multi-client out, or start the golang-ipc server with `MultiClient: true`, or a server of @ipc/manager",
    }),
  ];
}

/** The usual mistake: one side uses the private directory, and the other does not. */
function withOtherPlace(finding: Finding, directory: string, name: string): Finding {
  const other = directoriesOf(undefined).find(
    (place) => place !== directory && statsOf(join(place, `${name}.sock`)) !== undefined,
  );
  return other === undefined ? finding : { ...finding, mend: `there is one in ${other}: -d ${other}` };
}

/** Checks the directories of this user, and every socket in them. Shakes hands with no server. */
export async function* examineMachine(directory: string | undefined): AsyncGenerator<Finding> {
  if (process.platform === "win32") throw new UsageError("without socket files there is nothing to check; give a NAME");
  const listening = await readListeningSockets();
  for (const place of directoriesOf(directory)) {
    const finding = examineDirectory(place);
    yield finding;
    if (isClosed(finding)) continue;
    // The sockets of other programs have other names or directories of their own; those that have lost their files count, too.
    const listed = [...(listening?.keys() ?? [])].filter((path) => dirname(path) === place && path.endsWith(".sock"));
    for (const path of [...new Set([...listSockets([place]), ...listed])].sort()) {
      yield await examineSocket(path, listening);
      yield* examineLock(path);
    }
  }
}
