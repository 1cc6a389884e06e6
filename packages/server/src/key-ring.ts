import type { SecurityOptions, SessionError } from "@ipc/session";
import type { Credentials } from "@ipc/session/handshake";
import { assertKeysFor, type ProvedKeys, resolveSecurity, withdrawalError, withKeyFile } from "@ipc/session/internal";
import { ensureKeyFile, resolveKeyFile } from "@ipc/transport/key-file";
import type { ResolvedServerOptions } from "./server-options.js";

/** The keys of a server, with those of its key file. They can be replaced while it runs, all at once. */
export class KeyRing {
  readonly #options: ResolvedServerOptions;
  #credentials: Credentials;

  /** Reads or creates the key file. @throws TransportError IPC_KEY_FILE_UNTRUSTED, IPC_PERMISSION_DENIED, IPC_TRANSPORT_FAILED */
  constructor(options: ResolvedServerOptions) {
    this.#options = options;
    this.#credentials = withKeyFile(options.credentials, options.keyFilePlace, ensureKeyFile);
  }

  get credentials(): Credentials {
    return this.#credentials;
  }

  /**
   * Replaces every key; changes nothing if it throws. Reads the key file again, or creates it.
   * @throws TypeError, RangeError, and as the constructor
   */
  replace(security: SecurityOptions): void {
    const where = "updateSecurity";
    // At a start, no option means no keys. Here it is a slip that would withdraw them all.
    if (security === undefined) throw new TypeError(`${where}: security: takes an object of options, got undefined`);
    const { name, encryption, transport } = this.#options;
    const resolved = resolveSecurity(where, "server", security, encryption);
    assertKeysFor(transport, resolved, where, "server");
    const { credentials, keyFile } = resolved;
    const place = keyFile === false ? undefined : resolveKeyFile(name, keyFile);
    this.#credentials = withKeyFile(credentials, place, ensureKeyFile);
  }

  /** Returns why a client that has proved these keys must be disconnected; undefined: its keys are still accepted. */
  withdrawal(proved: ProvedKeys | undefined): SessionError | undefined {
    return proved && withdrawalError(proved, this.#credentials);
  }
}
