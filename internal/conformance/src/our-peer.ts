import type { DataMessage, Peer, Status } from "@ipc/client";
import { EventLog, type Wait } from "./event-log.js";
import type { Run } from "./go-end.js";
import { ONE_WAY, payload, REPORT_GIVEN, REPORT_WANTED, type Tally, TallyKeeper } from "./peer-protocol.js";

/** A client or a server of ours. */
type OurPeer = Pick<Peer, "read" | "write"> & AsyncIterable<DataMessage>;

interface Watched {
  on(event: "status", listener: (status: Status) => void): unknown;
  on(event: "close", listener: () => void): unknown;
}

/** Answers as go-peer does, until `peer` is closed: one-way messages are counted, a report is given, all else is echoed. */
export async function answer(peer: OurPeer): Promise<void> {
  const received = new TallyKeeper();
  for await (const { type, data } of peer) {
    if (type === ONE_WAY) received.add(data);
    else if (type === REPORT_WANTED) await peer.write(REPORT_GIVEN, JSON.stringify(received.take()));
    else await peer.write(type, data);
  }
}

/** Sends messages one by one, each after the echo of the one before. Rejects at the first that comes back different. */
export async function echo(peer: OurPeer, { type = 1, count, size }: Run): Promise<void> {
  for (let i = 0; i < count; i++) {
    const data = payload(i, size);
    await peer.write(type, data);
    const message = await readData(peer);
    if (message.type !== type || Buffer.compare(message.data, data) !== 0) {
      throw new Error(
        `echo ${i + 1} of ${count}: sent type ${type}, ${size} bytes; got type ${message.type}, ${message.data.length} bytes, different`,
      );
    }
  }
}

/** Writes one-way messages and asks the other end what has arrived. */
export async function sendAndReport(peer: OurPeer, { count, size }: Run): Promise<{ sent: Tally; arrived: Tally }> {
  const written = new TallyKeeper();
  for (let i = 0; i < count; i++) {
    const data = payload(i, size);
    await peer.write(ONE_WAY, data);
    written.add(data);
  }
  await peer.write(REPORT_WANTED, "");
  const report = await readData(peer);
  if (report.type !== REPORT_GIVEN) throw new Error(`wanted a report, got type ${report.type}`);
  return { sent: written.take(), arrived: report.json() as Tally };
}

/** Keeps the statuses of `peer` in order, from now on. */
export class StatusWatch {
  readonly #statuses = new EventLog<Status>("our statuses");

  constructor(peer: Watched) {
    peer.on("status", (status) => this.#statuses.push(status));
    peer.on("close", () => this.#statuses.end("it is closed"));
  }

  /** Resolves at the next such status, after the one that was waited for before. */
  async next(status: Status, wait?: Wait): Promise<void> {
    await this.#statuses.next(status, (seen) => seen === status, wait);
  }
}

async function readData(peer: OurPeer): Promise<DataMessage> {
  for (;;) {
    const message = await peer.read();
    if (message.kind === "data") return message;
  }
}
