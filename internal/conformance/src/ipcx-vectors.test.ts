import { expect, test } from "vitest";
import { BAD_OFFERS, BAD_OPENINGS, BAD_SELECTS } from "./ipcx-bad-handshakes.js";
import { badAuths, badRecords } from "./ipcx-bad-records.js";
import { badControlFrames, CONTROL_FRAMES } from "./ipcx-control-frames.js";
import { PLAIN, PLANS } from "./ipcx-plans.js";
import { agree, golangIpcKey, pointOf } from "./ipcx-primitives.js";
import { CLIENT_PRIVATE_KEY, makeVector } from "./ipcx-vectors.js";

/** An X with a leading zero byte, which one key pair in 256 has. */
const SHORT_PRIVATE_KEY =
  "57b2dfff1fec5993d25ef9a7680a836094ca293f99d26622700afdd7e0a11dfce18c1fddef2cc5cbef42531f3844ef30";

const sessions = PLANS.map(makeVector);
const refused = [
  ...BAD_OPENINGS,
  ...BAD_OFFERS,
  ...BAD_SELECTS,
  ...badAuths("client"),
  ...badAuths("server"),
  ...badRecords("client"),
  ...badRecords("server"),
  ...badControlFrames("client"),
  ...badControlFrames("server"),
];

/** Returns the leading-zero key exchange. */
function shortExchange(): Readonly<Record<string, string>> {
  const x = agree(CLIENT_PRIVATE_KEY, pointOf(SHORT_PRIVATE_KEY));
  return {
    about: "X starts with a zero byte, which golang-ipc's key leaves out and TH keeps",
    "client private key": CLIENT_PRIVATE_KEY,
    "server private key": SHORT_PRIVATE_KEY,
    "client key": pointOf(CLIENT_PRIVATE_KEY).toString("hex"),
    "server key": pointOf(SHORT_PRIVATE_KEY).toString("hex"),
    X: x.toString("hex"),
    "golang-ipc key": golangIpcKey(x).toString("hex"),
  };
}

test("vectors/ipcx-1.json is what the page describes; `npx vitest run internal/conformance -u` writes it", async () => {
  const vectors = {
    about: 'Test vectors of ipcx/1. docs/WIRE.md, "Test vectors", describes the format. Made with node:crypto alone.',
    sessions,
    plain: PLAIN,
    "control frames": CONTROL_FRAMES,
    "leading zero": shortExchange(),
    refused,
  };
  await expect(`${JSON.stringify(vectors, undefined, 1)}\n`).toMatchFileSnapshot("../vectors/ipcx-1.json");
});

test("the vectors of what must be refused each have a description of their own", () => {
  const described = refused.map(({ role, about }) => `${role}: ${about}`);
  expect(new Set(described).size).toBe(described.length);
});
