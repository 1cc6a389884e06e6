import type { ConnectionOptions } from "../src/options/shared-options.js";

/** The options of a command that was given none. */
export const NO_OPTIONS: ConnectionOptions = {
  directory: undefined,
  tcp: undefined,
  nats: undefined,
  pskFile: undefined,
  keyFile: undefined,
  identity: undefined,
  trust: undefined,
  plain: false,
  golangIpc: false,
  timeout: undefined,
};
