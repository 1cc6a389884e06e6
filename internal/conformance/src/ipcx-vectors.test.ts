import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readSession } from "../../testkit/src/ipcx-reader.js";
import { makeVector, type VectorKeys, type VectorPlan, type VectorSession } from "./ipcx-vectors.js";

interface Golden {
  readonly keyExchange: VectorKeys;
  readonly handshake: Record<"psk" | "limitsPlaintext" | "limitsLengthAndBody" | "transcriptHash", string>;
  readonly schedule: { readonly prk: string; readonly clientKeyIvAfterFirstRekey: string };
  readonly records: Record<"clientAuthSeq0" | "serverAuthSeq0" | "clientDataSeq1", string>;
}

const FOLDER = new URL("../vectors/", import.meta.url);
const golden = JSON.parse(readFileSync(new URL("ipcx-1.json", FOLDER), "utf8")) as Golden;
const keys = golden.keyExchange;

const CLIENT_SEED = "c1".repeat(32);
const SERVER_SEED = "5e".repeat(32);
const DATA = {
  /** Type 5, `hi`. */
  clientData: ["00000006000000056869"],
  /** Type 7, `yes`, and type 4294967295, nothing, in one record. */
  serverData: ["000000070000000779657300000004ffffffff"],
};

/** What stands in ipcx-1.json, whose client says `hi` and no more. */
const GOLDEN: VectorPlan = {
  about: "as in ipcx-1.json",
  select: "81",
  limitsPlaintext: golden.handshake.limitsPlaintext,
  psk: golden.handshake.psk,
  rekeyInterval: 2 ** 20,
  ...DATA,
};

const PLANS: readonly VectorPlan[] = [
  {
    about: "no side has a key: each side is anonymous",
    select: "80",
    limitsPlaintext: "003000004950435801000000",
    rekeyInterval: 2 ** 20,
    ...DATA,
  },
  {
    about: "a pre-shared key, and what follows it: DATA of the server, and CLOSE",
    select: "81",
    limitsPlaintext: "003000004950435801010000",
    psk: golden.handshake.psk,
    rekeyInterval: 2 ** 20,
    ...DATA,
  },
  {
    about: "signatures both ways, which the server requires",
    select: "86",
    limitsPlaintext: "003000004950435801068600",
    clientSeed: CLIENT_SEED,
    serverSeed: SERVER_SEED,
    rekeyInterval: 2 ** 20,
    ...DATA,
  },
  {
    about: "a pre-shared key and signatures both ways, all of it required",
    select: "87",
    limitsPlaintext: "003000004950435801078700",
    psk: golden.handshake.psk,
    clientSeed: CLIENT_SEED,
    serverSeed: SERVER_SEED,
    rekeyInterval: 2 ** 20,
    ...DATA,
  },
  {
    about: "as 81, with another key before every second record instead of before each 1 048 576th",
    select: "81",
    limitsPlaintext: "003000004950435801010000",
    psk: golden.handshake.psk,
    rekeyInterval: 2,
    clientData: ["00000006000000056869", "00000006000000066869", "00000006000000076869", "00000006000000086869"],
    serverData: ["0000000400000009", "000000040000000a", "000000040000000b"],
  },
];

/** Everything that each side sends, in a row. */
function overheard({ limits, select, client, server }: VectorSession): { client: Buffer; server: Buffer } {
  const hex = (records: VectorSession["client"]): string => records.map(({ record }) => record).join("");
  return {
    client: Buffer.from(`00${keys.clientPublicKey}${select}${hex(client)}`, "hex"),
    server: Buffer.from(`0201${keys.serverPublicKey}${limits}${hex(server)}`, "hex"),
  };
}

test("what makes the vectors makes those of ipcx-1.json", () => {
  const made = makeVector(GOLDEN, keys);
  expect([made.limits, made.transcriptHash, made.prk]).toEqual([
    golden.handshake.limitsLengthAndBody,
    golden.handshake.transcriptHash,
    golden.schedule.prk,
  ]);
  expect(made.client.slice(0, 2).map(({ record }) => record)).toEqual([
    golden.records.clientAuthSeq0,
    golden.records.clientDataSeq1,
  ]);
  expect(made.server[0]?.record).toBe(golden.records.serverAuthSeq0);
  const [, , after] = makeVector({ ...GOLDEN, rekeyInterval: 2 }, keys).client;
  const iv = Buffer.from(after?.nonce ?? "", "hex");
  iv.writeUInt8(iv.readUInt8(11) ^ 2, 11);
  expect(`${after?.key}${iv.toString("hex")}`).toBe(golden.schedule.clientKeyIvAfterFirstRekey);
});

test("vectors/ipcx-1-more.json is what they are made of; `npx vitest run internal/conformance -u` writes it", async () => {
  const vectors = {
    about:
      "More golden sessions of ipcx/1, beside ipcx-1.json, with its key pairs and its nonce for the limits. Values are hex. Made by src/ipcx-vectors.ts with node:crypto alone.",
    sessions: PLANS.map((plan) => makeVector(plan, keys)),
  };
  await expect(`${JSON.stringify(vectors, undefined, 1)}\n`).toMatchFileSnapshot("../vectors/ipcx-1-more.json");
});

describe("a reader that is not ours opens", () => {
  test.each(PLANS)("$about", (plan) => {
    const session = makeVector(plan, keys);
    const { client, server } = overheard(session);
    const read = readSession({
      clientToServer: client,
      serverToClient: server,
      clientScalar: Buffer.from(keys.clientPrivateKey, "hex"),
      ...(plan.psk !== undefined && { psk: Buffer.from(plan.psk, "hex") }),
      rekeyInterval: plan.rekeyInterval,
    });
    const shown = (records: VectorSession["client"]): unknown[] =>
      records.map(({ kind, key, nonce, plaintext }) => ({ kind, key, nonce, plaintext }));
    expect(read).toEqual({
      limits: plan.limitsPlaintext,
      transcriptHash: session.transcriptHash,
      client: shown(session.client),
      server: shown(session.server),
    });
    expect(read.client.map(({ kind }) => kind)).toEqual([1, ...plan.clientData.map(() => 2), 3]);
    expect(read.server.map(({ kind }) => kind)).toEqual([1, ...plan.serverData.map(() => 2), 3]);
  });
});
