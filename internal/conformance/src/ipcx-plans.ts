import { bytes, sha256, uint32 } from "./ipcx-primitives.js";
import type { VectorPlan } from "./ipcx-vectors.js";

/** The hash of a server's name in its offer, in hex. */
export function hashName(name: string): string {
  return sha256("ipcx/1 name", name).subarray(0, 16).toString("hex");
}

export const NO_NAME = "00".repeat(16);

/** The server's name in all vectors. */
const SERVER_NAME = "orders";

const INSTANCE = "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf";

/** The P of a server of 3 MiB and the feature 01, in hex. */
export function makeP(accept: string, require: string, name: string = hashName(SERVER_NAME)): string {
  return `0030000049504358 01${accept}${require}00 00010000${name}${INSTANCE}`.replaceAll(" ", "");
}

/** The select of a client with the feature 01, in hex. @param maxMessageSize 2 MiB, unless a test needs another */
export function makeSelect(first: string, maxMessageSize = 2_097_152): string {
  return Buffer.concat([bytes(`${first}00010000`), uint32(maxMessageSize)]).toString("hex");
}

const PSK = "e251f37b28e37073b59527fac8b83adc82b7d1363ba676826585b43b34246bbc";
const SEEDS = { "client seed": "c1".repeat(32), "server seed": "5e".repeat(32) };
const DATA = {
  /** Type 5, `hi`. */
  clientData: ["00000006000000056869"],
  /** Type 7, `yes`, and type 4294967295, nothing, in one record. */
  serverData: ["000000070000000779657300000004ffffffff"],
};
const REAL_INTERVAL = { "rekey interval": 2 ** 20 };

export const PLANS: readonly VectorPlan[] = [
  {
    name: "no keys",
    about: "no side has a key: each side is anonymous",
    P: makeP("00", "00"),
    select: makeSelect("80"),
    ...REAL_INTERVAL,
    ...DATA,
  },
  {
    name: "psk",
    about: "a pre-shared key; the server also accepts golang-ipc",
    P: makeP("01", "00"),
    select: makeSelect("81"),
    psk: PSK,
    ...REAL_INTERVAL,
    ...DATA,
  },
  {
    name: "signatures",
    about: "signatures both ways, which the server requires",
    P: makeP("06", "86"),
    select: makeSelect("86"),
    ...SEEDS,
    ...REAL_INTERVAL,
    ...DATA,
  },
  {
    name: "psk and signatures",
    about: "a pre-shared key and signatures both ways, all of it required",
    P: makeP("07", "87"),
    select: makeSelect("87"),
    psk: PSK,
    ...SEEDS,
    ...REAL_INTERVAL,
    ...DATA,
  },
  {
    name: "rekeying",
    about: "as psk, with another key before every second record instead of before each 1 048 576th",
    P: makeP("01", "00"),
    select: makeSelect("81"),
    psk: PSK,
    "rekey interval": 2,
    clientData: ["00000006000000056869", "00000006000000066869", "00000006000000076869", "00000006000000086869"],
    serverData: ["0000000400000009", "000000040000000a", "000000040000000b"],
  },
];

/** A connection without encryption whose server makes an offer all the same: names are those of docs/WIRE.md. */
export const PLAIN = {
  name: "plain",
  about: "no encryption; the offer and the select are in the clear, the messages are plain frames",
  hello: "0200",
  reply: "00",
  P: makeP("00", "00"),
  limits: `00000030${makeP("00", "00")}`,
  select: makeSelect("80"),
  "client messages": DATA.clientData,
  "server messages": DATA.serverData,
};
