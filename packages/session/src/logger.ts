/** Where the library says what it does: pino and console fit. Message data and keys are never given to it. */
export interface Logger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** Makes a logger that throws an uncaught exception of its own, and not a failure of whatever it was told about. */
export function isolateLogger(logger: Logger): Logger {
  const guard =
    (level: keyof Logger) =>
    (message: string): void => {
      try {
        logger[level](message);
      } catch (error) {
        process.nextTick(() => {
          throw error;
        });
      }
    };
  return Object.freeze({ debug: guard("debug"), info: guard("info"), warn: guard("warn"), error: guard("error") });
}

function nothing(): void {}

/** The default. */
export const silentLogger: Logger = Object.freeze({ debug: nothing, info: nothing, warn: nothing, error: nothing });
