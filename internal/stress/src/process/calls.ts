/** The functions that a program offers to the process that started it, by name. Arguments and results travel as JSON. */
export type Calls = Readonly<Record<string, (argument: never) => unknown>>;

interface CallMessage {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

/** Everything that a program sends to the process that started it. */
export type ProgramMessage =
  | { readonly kind: "ready" }
  | { readonly kind: "result"; readonly id: number; readonly result: unknown }
  | { readonly kind: "news"; readonly news: { readonly kind: string } }
  /** Something happened that must never happen. */
  | { readonly kind: "broken"; readonly message: string };

/**
 * Lets the parent process call these functions. A function that fails breaks the whole program.
 * When the parent is gone, which may have been killed, the program ends by itself if no call is in progress and `isDone`;
 * otherwise it exits with 1.
 */
export function serveCalls(calls: Calls, isDone: () => boolean = () => true): void {
  let inProgress = 0;
  const run = async ({ id, name, argument }: CallMessage): Promise<void> => {
    inProgress++;
    try {
      const call = calls[name] as (argument: unknown) => unknown;
      send({ kind: "result", id, result: await call(argument) });
    } catch (error) {
      reportBroken(error);
    } finally {
      inProgress--;
    }
  };
  process.on("message", (message: CallMessage) => void run(message));
  process.once("disconnect", () => {
    if (inProgress > 0 || !isDone()) process.exit(1);
  });
  send({ kind: "ready" });
}

/** Sends the parent something that it did not call for. */
export function reportNews<N extends { readonly kind: string }>(news: N): void {
  send({ kind: "news", news });
}

/** Makes every call of the parent fail, now and later. */
export function reportBroken(error: unknown): void {
  send({ kind: "broken", message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
}

/** Milliseconds on a monotonic clock that all processes of this machine share. */
export function clock(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

function send(message: ProgramMessage): void {
  process.send?.(message);
}
