import { expect } from "vitest";
import { type Frame, KIND } from "../src/wire/frame.js";

/** Whether calls may still be open. */
export type Answers = "so far" | "all answered";

/** What the caller has said last about a call. */
const STATES: ReadonlyMap<number, string> = new Map([
  [KIND.call, "called"],
  [KIND.end, "ended"],
  [KIND.cancel, "cancelled"],
]);

/**
 * Looks at what two sides have sent over one connection, for the calls of one of them: each is made once, has items before their END
 * only and nothing after its CANCEL, and gets one answer and nothing after that.
 */
export function expectFramesInOrder(ofCaller: readonly Frame[], ofCallee: readonly Frame[], answers: Answers): void {
  const calls = new Map<number, string>();
  for (const { kind, id } of ofCaller) {
    const state = calls.get(id);
    if (kind === KIND.call) expect(state).toBeUndefined();
    // A frame for a call of the other side.
    else if (state === undefined) continue;
    else if (kind === KIND.item || kind === KIND.end) expect(state).toBe("called");
    else expect(state).not.toBe("cancelled");
    calls.set(id, STATES.get(kind) ?? state ?? "");
  }
  const answered = new Set<number>();
  for (const { kind, id } of ofCallee) {
    if (!calls.has(id)) continue;
    expect(answered.has(id)).toBe(false);
    if (kind >= KIND.result) answered.add(id);
  }
  if (answers === "all answered") expect(answered).toEqual(new Set(calls.keys()));
}
