import type { DataMessage, Peer, Status } from "@ipc/client";
import { EventLog } from "./event-log.js";
import type { Run } from "./go-end.js";
import { ONE_WAY, payload, REPORT_GIVEN, REPORT_WANTED, type Tally, TallyKeeper } from "./peer-protocol.js";

/** A client, a server, or a connection of a manager. */
interface OurPeer extends Pick<Peer, "write">, AsyncIterable<DataMessage> {
  on(event: "status", listener: (status: Status) => void): unknown;
}

/** Our end of one connection: it answers as go-peer does, and asks at the same time. */
export class OurEnd {
  /** The lengths of all data that came, but of reports. They identify senders where each uses a length of its own. */
  readonly lengths: Set<number> = new Set();
  /** Settles when the connection has ended; it may be left without an await. */
  readonly ended: Promise<void>;
  readonly #peer: OurPeer;
  readonly #received = new TallyKeeper();
  readonly #answers = new EventLog<DataMessage>("answers");
  readonly #statuses = new EventLog<Status>("our statuses");
  #isAsking = false;

  /** Takes over all reading from `peer`. */
  constructor(peer: OurPeer) {
    this.#peer = peer;
    peer.on("status", (status) => this.#statuses.push(status));
    this.ended = this.#receive().finally(() => this.#answers.end("the connection has ended"));
    this.ended.catch(() => {});
  }

  /** Sends messages one by one, each after the echo of the one before. Rejects at the first that comes back different. */
  async echo({ type = 1, count, size }: Run): Promise<void> {
    this.#isAsking = true;
    for (let i = 0; i < count; i++) {
      const data = payload(i, size);
      await this.#peer.write(type, data);
      const answer = await this.#answers.next(`echo ${i + 1} of ${count}`, () => true);
      if (answer.type === type && Buffer.compare(answer.data, data) === 0) continue;
      throw new Error(`echo ${i + 1} of ${count}: got type ${answer.type}, ${answer.data.length} bytes, different`);
    }
    this.#isAsking = false;
  }

  /** Writes one-way messages; resolves with what was written. */
  async send({ count, size }: Run): Promise<Tally> {
    const written = new TallyKeeper();
    for (let i = 0; i < count; i++) {
      const data = payload(i, size);
      await this.#peer.write(ONE_WAY, data);
      written.add(data);
    }
    return written.take();
  }

  /** Asks the other end what it has received one-way since the last report. */
  async report(): Promise<Tally> {
    await this.#peer.write(REPORT_WANTED, "");
    const report = await this.#answers.next("a report", ({ type }) => type === REPORT_GIVEN);
    return report.json() as Tally;
  }

  /** Resolves at the next such status, after the one that was waited for before. */
  async status(status: Status): Promise<void> {
    await this.#statuses.next(status, (seen) => seen === status);
  }

  async #receive(): Promise<void> {
    for await (const message of this.#peer) {
      const { type, data } = message;
      if (type === REPORT_GIVEN) {
        this.#answers.push(message);
        continue;
      }
      if (type === REPORT_WANTED) {
        await this.#peer.write(REPORT_GIVEN, JSON.stringify(this.#received.take()));
        continue;
      }
      this.lengths.add(data.length);
      if (type === ONE_WAY) this.#received.add(data);
      else if (this.#isAsking) this.#answers.push(message);
      else await this.#peer.write(type, data);
    }
  }
}
