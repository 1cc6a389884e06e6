import { setImmediate } from "node:timers/promises";

/** Turns of the loop after which whatever follows from a call alone has followed. */
const TURNS = 20;

/** The result of a call. */
export interface Outcome {
  /** In a word, unless it waits. */
  readonly now: string | undefined;
  /** In a word, whenever it has settled. */
  readonly inTheEnd: Promise<string>;
}

/**
 * Makes a call and says in a word what it comes to: `done`, `itself`, the text of a message, a status, a code, and so on. It
 * waits when nothing has settled it although everything that follows from it has followed.
 */
export async function outcomeOf(call: () => unknown, self: unknown): Promise<Outcome> {
  let result: unknown;
  try {
    result = call();
  } catch (error) {
    return past(`throws ${codeOf(error)}`);
  }
  if (!(result instanceof Promise)) return past(wordFor(result, self));
  let settled: string | undefined;
  const inTheEnd = result.then((value) => wordFor(value, self), codeOf);
  void inTheEnd.then((word) => {
    settled = word;
  });
  for (let turn = 0; turn < TURNS && settled === undefined; turn++) await setImmediate();
  return { now: settled, inTheEnd };
}

function past(word: string): Outcome {
  return { now: word, inTheEnd: Promise.resolve(word) };
}

function wordFor(value: unknown, self: unknown): string {
  if (value === undefined) return "done";
  if (value === self) return "itself";
  if (typeof value !== "object" || value === null) return String(value);
  if ("done" in value) return value.done === true ? "end" : wordFor((value as { value?: unknown }).value, self);
  if ("status" in value) return String(value.status);
  if ("text" in value && typeof value.text === "function") return `"${value.text()}"`;
  if ("kind" in value) return String(value.kind);
  return JSON.stringify(value);
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "code" in error ? String(error.code) : error.name;
}
