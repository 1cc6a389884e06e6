import type { Duplex } from "node:stream";
import { addAbortListener, formatValue, removeAbortListener } from "@ipc/transport/internal";
import type { EstablishedConnection } from "../codec/codec.js";
import { abortError } from "../errors.js";
import { clientHandshake } from "../handshake/client-handshake.js";
import { runHandshake } from "../handshake/run-handshake.js";
import { serverHandshake } from "../handshake/server-handshake.js";
import { OptionReader } from "../options/option-reader.js";
import {
  PEER_OPTIONS,
  type PeerOptions,
  type ResolvedPeerOptions,
  resolvePeerOptions,
} from "../options/peer-options.js";
import { SlipReporter } from "../slip-reporter.js";
import { assertDuplex } from "../stream-input.js";
import { PeerCore } from "./peer-core.js";
import { PeerSession } from "./peer-session.js";

export interface SessionOptions extends PeerOptions {
  /** This side's role in the handshake; the server sends first. */
  readonly role: "client" | "server";
  /**
   * The server's name. A server announces it, and a client rejects a server that announces another; without it nothing is
   * announced or checked. Also names the peer in error messages and `remote`.
   * @default none, and "stream" in messages
   */
  readonly name?: string;
}

/**
 * Runs the protocol over a stream that the caller supplies (stdio, TLS, a test) and resolves when the handshake is complete.
 * The session then owns the stream and ends with it; if the handshake fails, the stream is destroyed.
 *
 * Rejects with TypeError, RangeError, IPC_HANDSHAKE_FAILED, IPC_HANDSHAKE_TIMEOUT, IPC_VERSION_MISMATCH,
 * IPC_ENCRYPTION_REFUSED, IPC_SECURITY_REFUSED, IPC_AUTHENTICATION_FAILED, IPC_RECORD_INVALID, IPC_SERVER_BUSY,
 * IPC_PUBLIC_KEY_INVALID, IPC_DECRYPTION_FAILED, IPC_ABORTED.
 */
export async function openSession(stream: Duplex, options: SessionOptions): Promise<Session> {
  assertDuplex(stream, "openSession");
  const reader = new OptionReader("openSession", options, ["role", "name", ...PEER_OPTIONS]);
  const { role, name = "stream" } = options;
  if (role !== "client" && role !== "server") {
    throw new TypeError(`openSession: \`role\` takes "client" or "server", got ${formatValue(role)}`);
  }
  if (typeof name !== "string") throw new TypeError(`openSession: \`name\` takes a string, got ${formatValue(name)}`);
  const resolved = resolvePeerOptions(reader, role);
  const { encryption, credentials, keyFile, signal, handshakeTimeoutMs } = resolved;
  const { maxMessageSize } = resolved.limits;
  if (keyFile !== false)
    throw new TypeError(
      "openSession: `security.keyFile` is not supported, because a stream has no name; pass the key as `psk`",
    );
  const handshake =
    role === "client"
      ? clientHandshake({ name, serverName: options.name, encryption, credentials, maxMessageSize })
      : serverHandshake({ name: options.name, encryption, credentials, maxMessageSize });
  const { result, rest } = await runHandshake(stream, handshake, {
    timeoutMs: handshakeTimeoutMs,
    ...(signal && { signal }),
  });
  const session = new Session(resolved, { stream, outcome: result, rest, remote: name });
  // The signal may have fired after the handshake stopped listening to it.
  if (session.status === "Closed" && signal !== undefined) throw abortError("openSession", signal);
  return session;
}

/** One peer over one stream; it ends with the stream. */
export class Session extends PeerSession {
  constructor({ limits, security, signal, logger }: ResolvedPeerOptions, established: EstablishedConnection) {
    const onAbort = (): void => this.destroy(signal?.reason);
    const { remote } = established;
    const slips = new SlipReporter(logger, `session ${remote}`);
    const core: PeerCore = new PeerCore(
      { name: remote, limits, slips, security, status: "Not Connected", remote },
      {
        onDisconnected(error, clean) {
          core.setStatus("Disconnected");
          if (!clean) core.reader.emit("lost", error);
          core.finish("Disconnected", clean ? undefined : error);
        },
        async release() {
          removeAbortListener(signal, onAbort);
        },
      },
    );
    super(core);
    addAbortListener(signal, onAbort);
    core.connect(established);
    if (signal?.aborted === true) onAbort();
  }
}
