import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "@ipc/session";
import { type Transport, tcp } from "@ipc/transport";

const LEVELS = ["debug", "info", "warn", "error"] as const;

/** golang-ipc reads `IPC_WAIT` as seconds up to this number, as milliseconds above it. */
const WAIT_SECONDS_UP_TO = 5;

/** Options for `startServer` and `startClient`. */
export interface ExampleOptions {
  readonly logger?: Logger;
  readonly transport?: Transport;
  readonly directory?: string;
}

/**
 * Reads golang-ipc's environment variables: `IPC_DEBUG` (true, debug, info, warn, error) logs to the console,
 * `IPC_NETWORK_PORT` and `IPC_NETWORK_HOST` leave the unix socket for TCP; and `IPC_DIRECTORY`, where socket files lie.
 * @see golang-ipc README, "Environment Variables"
 */
export function exampleOptions(env: NodeJS.ProcessEnv = process.env): ExampleOptions {
  const { IPC_DEBUG, IPC_NETWORK_HOST, IPC_NETWORK_PORT, IPC_DIRECTORY } = env;
  const place =
    IPC_NETWORK_PORT === undefined && IPC_NETWORK_HOST === undefined
      ? IPC_DIRECTORY !== undefined && { directory: IPC_DIRECTORY }
      : {
          transport: tcp({
            ...(IPC_NETWORK_HOST && { host: IPC_NETWORK_HOST }),
            ...(IPC_NETWORK_PORT && { port: Number(IPC_NETWORK_PORT) }),
          }),
        };
  return { ...(IPC_DEBUG && { logger: consoleLogger(IPC_DEBUG) }), ...(place && place) };
}

/** Waits as long as `IPC_WAIT` says between two steps of an example: not at all by default, for nothing here needs it. */
export async function waitBetweenSteps(env: NodeJS.ProcessEnv = process.env): Promise<void> {
  const wait = stepMs(env);
  if (wait > 0) await sleep(wait);
}

/** The pause between two steps, in milliseconds. */
export function stepMs({ IPC_WAIT }: NodeJS.ProcessEnv): number {
  const wait = Number(IPC_WAIT ?? 0);
  return wait > WAIT_SECONDS_UP_TO ? wait : wait * 1_000;
}

function consoleLogger(level: string): Logger {
  const wanted = LEVELS.indexOf(level === "true" ? "debug" : (level as (typeof LEVELS)[number]));
  const at =
    (which: (typeof LEVELS)[number]) =>
    (message: string): void => {
      if (wanted >= 0 && LEVELS.indexOf(which) >= wanted) console.log(`${which}: ${message}`);
    };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}
