import { BadMessage, type Numbered, type Side } from "./message.js";

/** How many messages of one of the sender's connections have arrived. */
export interface Arrived {
  readonly connection: number;
  readonly messages: number;
}

/**
 * Holds what one side receives against what the other may have sent: within a connection every message once and in order,
 * from the first on without a gap; and no connection of the past any more once a later one has spoken.
 */
export class OrderCheck {
  readonly #seed: number;
  readonly #from: Side;
  /** The sender's connection that speaks, and its next number. */
  #connection = -1;
  #next = 0;
  /** Whether a status has said since that a new connection stands. */
  #isNew = true;
  readonly #arrived: Arrived[] = [];

  constructor(seed: number, from: Side) {
    this.#seed = seed;
    this.#from = from;
  }

  /** By connection, the one that speaks last of all. */
  get arrived(): readonly Arrived[] {
    return this.#connection < 0 ? [] : [...this.#arrived, { connection: this.#connection, messages: this.#next }];
  }

  /** A status said that a new connection stands. */
  connected(): void {
    this.#isNew = true;
  }

  /**
   * @param told whether statuses reach the reader in their places among the messages
   * @throws BadMessage
   */
  take({ seed, from, connection, number }: Numbered, told: boolean): void {
    const name = `message ${number} of the ${from}'s connection ${connection}`;
    if (seed !== this.#seed || from !== this.#from) throw new BadMessage(`${name} and seed ${seed} belongs elsewhere`);
    if (connection < this.#connection) throw new BadMessage(`${name} came after its connection ${this.#connection}`);
    if (connection > this.#connection) {
      if (told && !this.#isNew) throw new BadMessage(`${name} came on the connection ${this.#connection} before it`);
      if (this.#connection >= 0) this.#arrived.push({ connection: this.#connection, messages: this.#next });
      this.#connection = connection;
      this.#next = 0;
    } else if (told && this.#isNew) {
      throw new BadMessage(`${name} came on a later connection`);
    }
    this.#isNew = false;
    if (number !== this.#next) throw new BadMessage(`${name} came where ${this.#next} was next`);
    this.#next++;
  }
}
