import type { Duplex } from "node:stream";
import { describe, expect, test } from "vitest";
import { ManInTheMiddle } from "../../test/man-in-the-middle.js";
import type { IpcError } from "../errors.js";
import { openSession, type Session } from "./session.js";

type Side = "client" | "server";

const psk = new Uint8Array(32).fill(7);
const SECURITY = { security: { psk } };
/** Items of each side before its first DATA. A client's last one is its select and its AUTH. */
const BEFORE = { client: 3, server: 4 } as const;

interface Theatre {
  readonly man: ManInTheMiddle;
  readonly sender: Session;
  readonly victim: Session;
  /** The messages and events of the victim, in order. */
  readonly told: string[];
  /** Resolves with what the victim loses its connection by. */
  readonly lost: Promise<IpcError>;
  /** The same of the sender. */
  readonly senderLost: Promise<IpcError>;
  readonly stream: Duplex;
}

type Tamper = (man: ManInTheMiddle, record: Buffer, number: number) => void;

/** A session whose sender's DATA records, numbered from 0, pass a man in the middle; `tamper` sends them on. */
async function stage(victimSide: Side, tamper: Tamper): Promise<Theatre> {
  const senderSide = victimSide === "server" ? "client" : "server";
  const rewrite = (item: Buffer, index: number): Buffer | undefined => {
    if (index < BEFORE[senderSide]) return item;
    tamper(man, item, index - BEFORE[senderSide]);
    return undefined;
  };
  const man: ManInTheMiddle = new ManInTheMiddle(
    victimSide === "server" ? { toServer: rewrite } : { toClient: rewrite },
  );
  const [client, server] = await Promise.all([
    openSession(man.client, { role: "client", ...SECURITY }),
    openSession(man.server, { role: "server", ...SECURITY }),
  ]);
  const [sender, victim] = victimSide === "server" ? [client, server] : [server, client];
  const told: string[] = [];
  victim.on("message", (message) => told.push(message.text()));
  victim.on("status", (status) => told.push(status));
  victim.on("error", (error) => told.push(error.code));
  return {
    man,
    sender,
    victim,
    told,
    lost: lossOf(victim),
    senderLost: lossOf(sender),
    stream: victimSide === "server" ? man.server : man.client,
  };
}

/** The code, of a truncation that of the cause. */
function reasonOf(error: IpcError): string {
  return error.code === "IPC_CONNECTION_LOST" ? (error.cause as IpcError).code : error.code;
}

function lossOf(session: Session): Promise<IpcError> {
  return new Promise((resolve) => session.once("lost", resolve));
}

/** One record each. */
async function send(sender: Session, ...texts: string[]): Promise<void> {
  for (const text of texts) {
    await sender.write(1, text);
    await sender.flush();
  }
}

const flip = (record: Buffer, at: number, bits = 0x01): Buffer => {
  const altered = Buffer.from(record);
  altered[at] = (altered[at] as number) ^ bits;
  return altered;
};

describe.each(["server", "client"] as const)("a man in the middle (golang-ipc: row 18), before a %s,", (victimSide) => {
  /** The victim ends it with this code and has been given `texts`, no more; its peer learns that it was ended. */
  async function expectEnd(theatre: Theatre, code: string | RegExp, ...texts: string[]): Promise<void> {
    const error = await theatre.lost;
    expect(reasonOf(error)).toMatch(code);
    await new Promise((resolve) => setImmediate(resolve));
    expect(theatre.told).toEqual([...texts, "Disconnected", error.code]);
    expect(theatre.stream.destroyed).toBe(true);
    expect((await theatre.senderLost).code).toBe("IPC_CONNECTION_LOST");
    theatre.sender.destroy();
  }

  test("passes everything on without a failure", async () => {
    const theatre = await stage(victimSide, (man, record) => man.say(victimSide, record));
    await send(theatre.sender, "one", "two");
    const closed = new Promise<void>((resolve) => theatre.victim.once("close", resolve));
    await theatre.sender.close();
    await closed;
    expect(theatre.told).toEqual(["one", "two", "Disconnected"]);
  });

  test("flips a bit in any one byte of a record: nothing of it is delivered", async () => {
    // header(4), a frame of 8 + 5, tag(16)
    for (let at = 0; at < 33; at++) {
      for (const bits of [0x01, 0x80]) {
        const theatre = await stage(victimSide, (man, record) => {
          expect(record).toHaveLength(33);
          man.say(victimSide, flip(record, at, bits));
          // After a longer length, the victim waits for the rest.
          man.end(victimSide);
        });
        await send(theatre.sender, "hello");
        await expectEnd(
          theatre,
          at < 4 ? /^IPC_(RECORD_INVALID|RECORD_TRUNCATED|DECRYPTION_FAILED)$/ : "IPC_DECRYPTION_FAILED",
        );
      }
    }
  });

  test("sends a record twice: it is delivered once", async () => {
    const theatre = await stage(victimSide, (man, record) => man.say(victimSide, Buffer.concat([record, record])));
    await send(theatre.sender, "once");
    await expectEnd(theatre, "IPC_DECRYPTION_FAILED", "once");
  });

  test("sends an older record again", async () => {
    let first: Buffer | undefined;
    const theatre = await stage(victimSide, (man, record) => {
      first ??= record;
      man.say(victimSide, record);
    });
    await send(theatre.sender, "one", "two", "three");
    theatre.man.say(victimSide, first as Buffer);
    await expectEnd(theatre, "IPC_DECRYPTION_FAILED", "one", "two", "three");
  });

  test("exchanges two records: neither is delivered", async () => {
    let held: Buffer | undefined;
    const theatre = await stage(victimSide, (man, record) => {
      if (held === undefined) held = record;
      else man.say(victimSide, Buffer.concat([record, held]));
    });
    await send(theatre.sender, "one", "two");
    await expectEnd(theatre, "IPC_DECRYPTION_FAILED");
  });

  test("drops a record: the next one is not delivered", async () => {
    const theatre = await stage(victimSide, (man, record, number) => {
      if (number !== 1) man.say(victimSide, record);
    });
    await send(theatre.sender, "one", "two", "three");
    await expectEnd(theatre, "IPC_DECRYPTION_FAILED", "one");
  });

  test("drops the last record and passes the CLOSE on: the end is not orderly", async () => {
    const theatre = await stage(victimSide, (man, record, number) => {
      if (number !== 1) man.say(victimSide, record);
    });
    await send(theatre.sender, "one", "the last");
    await theatre.sender.close();
    expect((await theatre.lost).code).toBe("IPC_DECRYPTION_FAILED");
    expect(theatre.told).toEqual(["one", "Disconnected", "IPC_DECRYPTION_FAILED"]);
  });

  test("sends an older record again behind the CLOSE", async () => {
    const theatre = await stage(victimSide, (man, record, number) => {
      man.say(victimSide, record);
      if (number === 1) man.say(victimSide, man.heard[victimSide === "server" ? "client" : "server"].at(-2) as Buffer);
    });
    await send(theatre.sender, "last");
    await theatre.sender.close();
    expect((await theatre.lost).code).toBe("IPC_RECORD_INVALID");
    expect(theatre.told).toEqual(["last", "Disconnected", "IPC_RECORD_INVALID"]);
  });

  test("sends a side's own record back to it", async () => {
    const theatre = await stage(victimSide, () => {});
    await send(theatre.victim, "mine");
    theatre.man.say(victimSide, theatre.man.heard[victimSide].at(-1) as Buffer);
    await expectEnd(theatre, "IPC_DECRYPTION_FAILED");
  });

  test("sends a record of another session with the same pre-shared key", async () => {
    const other = await stage(victimSide, () => {});
    await send(other.sender, "then");
    const record = other.man.heard[victimSide === "server" ? "client" : "server"].at(-1) as Buffer;
    other.sender.destroy();
    other.victim.destroy();
    const theatre = await stage(victimSide, (man) => man.say(victimSide, record));
    await send(theatre.sender, "now!");
    await expectEnd(theatre, "IPC_DECRYPTION_FAILED");
  });

  test.each([
    ["of kind 0", "00000014"],
    ["of kind 4", "04000014"],
    ["of kind 255", "ff000014"],
    ["that is an AUTH, longer than one may be", "01000201"],
    ["that is longer than one may be", "02040011"],
    ["of the greatest length there is", "02ffffff"],
    ["that has no room for its tag", "0200000f"],
    ["without a plaintext", "02000010"],
    ["that is a CLOSE with a plaintext", "03000011"],
  ])("sends the header of a record %s: the connection ends without a wait for more", async (_what, header) => {
    const theatre = await stage(victimSide, (man, record, number) => {
      if (number === 0) man.say(victimSide, record);
      else man.say(victimSide, Buffer.from(header, "hex"));
    });
    await send(theatre.sender, "before", "after");
    await expectEnd(theatre, "IPC_RECORD_INVALID", "before");
  });

  test("cuts the stream between two records: the whole ones are delivered, and the end is not orderly", async () => {
    const theatre = await stage(victimSide, (man, record) => {
      man.say(victimSide, record);
      man.end(victimSide);
    });
    await send(theatre.sender, "whole");
    await expectEnd(theatre, "IPC_RECORD_TRUNCATED", "whole");
    expect((await theatre.lost).message).toContain("without CLOSE");
  });

  test("cuts the stream anywhere within a record: nothing of that is delivered", async () => {
    for (let cut = 1; cut < 33; cut++) {
      const theatre = await stage(victimSide, (man, record, number) => {
        if (number === 0) man.say(victimSide, record);
        else {
          man.say(victimSide, record.subarray(0, cut));
          man.end(victimSide);
        }
      });
      await send(theatre.sender, "whole", "hello");
      await expectEnd(theatre, "IPC_RECORD_TRUNCATED", "whole");
    }
  });

  test("cuts the stream within the CLOSE", async () => {
    const theatre = await stage(victimSide, (man, record, number) => {
      man.say(victimSide, number === 0 ? record : record.subarray(0, 19));
      if (number === 1) man.end(victimSide);
    });
    await send(theatre.sender, "whole");
    await theatre.sender.close();
    expect(reasonOf(await theatre.lost)).toBe("IPC_RECORD_TRUNCATED");
    expect(theatre.told).toEqual(["whole", "Disconnected", "IPC_CONNECTION_LOST"]);
  });
});

describe("the limits, sent again as a message (golang-ipc: row 19),", () => {
  test("are rejected as a record, are not delivered, and end the connection", async () => {
    const theatre = await stage("client", (man, record) => man.say("client", record));
    await send(theatre.sender, "before");
    const [, , limits] = theatre.man.heard.server;
    expect(limits?.subarray(0, 4)).toEqual(Buffer.of(0, 0, 0, 76));
    theatre.man.say("client", limits as Buffer);
    expect(await theatre.lost).toMatchObject({ code: "IPC_RECORD_INVALID" });
    expect(theatre.told.filter((word) => !word.startsWith("IPC_"))).toEqual(["before", "Disconnected"]);
    theatre.sender.destroy();
  });
});
