import { MESSAGE_OVERHEAD_BYTES } from "../message.js";
import type { FrameOutput } from "../output/frame-output.js";
import type { KeptMessage, ResendBuffer } from "../resume/resend-buffer.js";
import type { TurnBudget } from "./turn-budget.js";

/** Sends the messages that earlier connections of a session have left, as far as the queue of the new one has room. */
export class Replay {
  readonly #messages: Iterator<KeptMessage, void>;
  readonly #output: FrameOutput;
  readonly #turn: TurnBudget;

  constructor(resend: ResendBuffer, output: FrameOutput, turn: TurnBudget) {
    this.#turn = turn;
    this.#messages = resend.unhanded();
    this.#output = output;
    output.setReplaying(true);
  }

  /** Sends as long as `hasRoom` returns true, and the budget of this turn lasts. Returns whether that was all. @throws CryptoError */
  send(hasRoom: () => boolean): boolean {
    while (hasRoom() && !this.#turn.isSpent) {
      const next = this.#messages.next();
      if (next.done === true) {
        this.#output.setReplaying(false);
        return true;
      }
      const { type, data } = next.value;
      this.#turn.spend(data.length + MESSAGE_OVERHEAD_BYTES);
      if (this.#output.isLarge(data)) this.#output.addLarge(type, data);
      else void this.#output.addSmall(type, data, 1);
    }
    return false;
  }
}
