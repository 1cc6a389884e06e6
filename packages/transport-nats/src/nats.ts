import { assertName, type Transport } from "@ipc/transport";
import {
  assertBoolean,
  assertInteger,
  assertKnownOptions,
  assertNotAborted,
  formatValue,
} from "@ipc/transport/internal";
import { Broker } from "./broker.js";
import { dialFormer, dialServer, MIN_WINDOW_BYTES } from "./dial.js";
import type { NatsConnectionLike } from "./nats-connection.js";
import { NatsListener } from "./nats-listener.js";
import { acceptSubject, createSubjects, TOKEN } from "./subject.js";

/** Options of `nats()`. */
export interface NatsOptions {
  /**
   * Lets clients and servers start without keys. Then everything that can publish to the broker can be a client or a server, and the
   * broker can read and change messages. @default false
   */
  readonly allowAnonymous?: boolean;
  /**
   * A part of the subjects of this client's connections, 1 to 64 characters of `A-Z a-z 0-9 _ -`: the broker's permissions can keep
   * other users of the broker away from them. Servers do not need it. @default "_"
   */
  readonly user?: string;
  /**
   * After how long without a sign of life the peer counts as gone, in milliseconds: found after 1 to 1.5 times as long, 100 to 600 000.
   * Both sides use the same. @default 5_000
   */
  readonly heartbeatMs?: number;
  /**
   * The most that may be on the way to this side of each connection, in bytes, 65 536 to 16 777 216; a reader that stands still makes
   * its writer wait then. The smaller one of both sides counts. @default 1_048_576
   */
  readonly windowBytes?: number;
  /**
   * By how much the windows of all connections over this NATS connection may grow together, in both directions, in bytes, 0 to
   * 1 073 741 824; each has 16 384 bytes beside it. Those of other transports over it count too. The broker holds what is on the way to a
   * process that stands still, 64 MiB unless its `max_pending` is another.
   * @default 33_554_432
   */
  readonly sharedWindowBytes?: number;
  /**
   * For how long a client that resumes asks only the server that has its session, which may be about to find its broker again, in
   * milliseconds, 0 to 600 000: then any server of the name, where the session is lost. @default 5_000
   */
  readonly returnMs?: number;
}

const DEFAULT_HEARTBEAT_MS = 5_000;
const DEFAULT_WINDOW_BYTES = 1_048_576;
const DEFAULT_SHARED_WINDOW_BYTES = 33_554_432;
const MAX_SHARED_WINDOW_BYTES = 1_073_741_824;
const DEFAULT_RETURN_MS = 5_000;
const MAX_WINDOW_BYTES = 16_777_216;
const OPTIONS = ["allowAnonymous", "user", "heartbeatMs", "windowBytes", "sharedWindowBytes", "returnMs"];
const METHODS = ["publish", "subscribe", "flush", "status", "isClosed", "isDraining"] as const;

/**
 * Creates the transport through a NATS broker: clients and servers on any number of machines. Several servers may have the same name:
 * each new client gets one of them. Servers have one endpoint, so managers give out no client ids.
 *
 * The connection stays the program's: it keeps the process alive until the program closes it, also after `unref()`.
 *
 * Clients and servers need keys; see `allowAnonymous`. `dial` rejects with `IPC_NO_SERVER`; `listen` and `dial` with
 * `IPC_PERMISSION_DENIED` by the broker, `IPC_TRANSPORT_FAILED`, `IPC_PEER_GONE` when the connection to the broker is closed, `IPC_ABORTED`.
 *
 * @param connection of `connect()` in `@nats-io/transport-node`, connected, without `noEcho` if both sides use this one
 * @throws TypeError, RangeError naming the option
 */
export function nats(connection: NatsConnectionLike, options: NatsOptions = {}): Transport {
  assertConnection(connection);
  assertKnownOptions(options, OPTIONS, "nats()");
  const { allowAnonymous = false, user = "_", returnMs = DEFAULT_RETURN_MS } = options;
  const { heartbeatMs = DEFAULT_HEARTBEAT_MS, windowBytes: window = DEFAULT_WINDOW_BYTES } = options;
  const { sharedWindowBytes = DEFAULT_SHARED_WINDOW_BYTES } = options;
  assertBoolean(allowAnonymous, "allowAnonymous");
  assertInteger(heartbeatMs, "heartbeatMs", 100, 600_000);
  assertInteger(window, "windowBytes", MIN_WINDOW_BYTES, MAX_WINDOW_BYTES);
  assertInteger(sharedWindowBytes, "sharedWindowBytes", 0, MAX_SHARED_WINDOW_BYTES);
  assertInteger(returnMs, "returnMs", 0, 600_000);
  if (typeof user !== "string" || !TOKEN.test(user)) {
    throw new TypeError(`\`user\` takes 1 to 64 characters out of A-Z a-z 0-9 _ -, got ${formatValue(user)}`);
  }
  const broker = new Broker(connection, heartbeatMs, sharedWindowBytes);

  const transport: Transport = {
    requiresKeys: !allowAnonymous,

    address(name) {
      assertName(name);
      return `nats:${name}`;
    },

    async listen(name, endpoint, onStream, options) {
      const address = transport.address(name, endpoint);
      assertNotAborted(options.signal, `listening at ${address}`);
      broker.assertConnected(`listening at ${address}`);
      return NatsListener.open({ ...options, broker, name, address, window, onStream });
    },

    async dial(name, endpoint, { signal, instance }) {
      const address = transport.address(name, endpoint);
      const ask = (instance?: string) => {
        assertNotAborted(signal, `dialling ${address}`);
        broker.assertConnected(`dialling ${address}`);
        const subjects = createSubjects(name, user);
        return dialServer({ broker, address, accept: acceptSubject(name, instance), subjects, window, signal });
      };
      const former = instance === undefined ? undefined : await dialFormer(() => ask(instance), returnMs, signal);
      return former ?? ask();
    },
  };
  return Object.freeze(transport);
}

function assertConnection(connection: NatsConnectionLike): void {
  const members = (
    typeof connection === "object" && connection !== null ? connection : {}
  ) as Partial<NatsConnectionLike>;
  const missing = METHODS.find((name) => typeof members[name] !== "function");
  if (missing === undefined) return;
  throw new TypeError(
    `nats() takes a connection of @nats-io/transport-node, got ${formatValue(connection)} without the method \`${missing}\`; pass \`await connect({ servers })\``,
  );
}
