import { memoryPair } from "@ipc/transport";
import { describe, expect, onTestFinished, test } from "vitest";
import { collect } from "../../../../internal/testkit/src/peer-watch.js";
import { bytes, controlFrames, goldenSession, openGolden, plain, type Role } from "../../test/golden-vectors.js";

type Vector = (typeof controlFrames)[number];

/** All that a side sends before its first message. */
const HANDSHAKE: Readonly<Record<string, (side: Role) => string>> = {
  plain: (side) => (side === "client" ? plain.reply + plain.select : plain.hello + plain.limits),
  psk: (side) => {
    const session = goldenSession("psk");
    const [auth] = session[`${side} records`];
    return side === "client"
      ? session.reply + session["client key"] + session.select + auth?.record
      : session.hello + session["server key"] + session.limits + auth?.record;
  },
};

/** A control frame as the first thing behind a side's handshake. */
const FIRST: Readonly<Record<string, (side: Role, vector: Vector) => string>> = {
  plain: (_side, { frame }) => frame,
  psk: (side, vector) => vector[`${side} record`],
};

describe.each(["client", "server"] as const)("a %s takes the control frames of the vectors", (role) => {
  const other = role === "client" ? "server" : "client";
  const cases = controlFrames.flatMap((vector) =>
    ["plain", "psk"].map((name) => [vector.about, name, vector] as const),
  );

  test.each(cases)("%s, in the session %s", async (_about, name, vector) => {
    const [near, far] = memoryPair();
    onTestFinished(() => void [near, far].map((stream) => stream.destroy()));
    const sent: Buffer[] = [];
    far.on("data", (item: Buffer) => sent.push(item));
    far.write(bytes(`${HANDSHAKE[name]?.(other)}${FIRST[name]?.(other, vector)}`));
    const session = await openGolden(role, name, near);
    const messages = collect(session, "message");
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    const answer = controlFrames.find(({ frame }) => frame === vector.answer);
    const expected = `${HANDSHAKE[name]?.(role)}${answer === undefined ? "" : FIRST[name]?.(role, answer)}`;
    expect(Buffer.concat(sent).toString("hex")).toBe(expected);
    expect([session.status, messages]).toEqual(["Connected", []]);
  });
});

test("a side without encryption closes with the GOAWAY of the vectors", async () => {
  const [near, far] = memoryPair();
  const sent: string[] = [];
  far.on("data", (item: Buffer) => sent.push(item.toString("hex")));
  far.write(bytes(plain.reply + plain.select));
  const session = await openGolden("server", plain.name, near);
  await session.close();
  expect(sent.at(-1)).toBe(controlFrames.find(({ about }) => about === "GOAWAY, closing")?.frame);
});
