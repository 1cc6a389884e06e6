import { WIRES } from "@ipc-internal/stress";
import { describe, expect, it } from "vitest";
import { recordConversations } from "./conversation.js";

describe.each(WIRES)("a recorded conversation, %s,", (wire) => {
  const conversations = recordConversations(wire);
  const statesOf = (receiver: string, hasHandshake: boolean): string[] => {
    const found = conversations.find((one) => one.receiver === receiver && (one.agree === undefined) === hasHandshake);
    return [...new Set(found?.items.map(({ state }) => state))];
  };
  const key = wire === "plain" ? [] : ["the peer's public key"];
  const auth = (whose: string): string[] => (wire === "secure" ? [`the ${whose}'s AUTH`] : []);
  const frames = ["the first frame", "a later frame"];

  it("has every item that a server waits for, in order", () => {
    const handshake = ["the client's reply to the hello", ...key, "the client's reply to the limits"];
    expect(statesOf("server", true)).toEqual([...handshake, ...auth("client"), ...frames]);
    expect(statesOf("server", false)).toEqual(frames);
  });

  it("has every item that a client waits for, in order", () => {
    const limits = ["the length of the server's limits", "the server's limits"];
    expect(statesOf("client", true)).toEqual(["the server's hello", ...key, ...limits, ...auth("server"), ...frames]);
    expect(statesOf("client", false)).toEqual(frames);
  });

  it("has the same bytes each time", () => {
    const bytes = (): string[] =>
      recordConversations(wire).flatMap(({ items }) => items.map((item) => Buffer.from(item.bytes).toString("hex")));
    expect(bytes()).toEqual(bytes());
  });
});
