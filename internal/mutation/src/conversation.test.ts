import { describe, expect, it } from "vitest";
import { recordConversations } from "./conversation.js";

describe.each([true, false])("recorded, encrypted: %s", (encrypted) => {
  const conversations = recordConversations(encrypted);
  const statesOf = (receiver: string, hasHandshake: boolean): string[] => {
    const found = conversations.find((one) => one.receiver === receiver && (one.agreed === undefined) === hasHandshake);
    return [...new Set(found?.items.map(({ state }) => state))];
  };
  const key = encrypted ? ["the peer's public key"] : [];
  const frames = ["the first frame", "a later frame"];

  it("has what a server waits for, in order", () => {
    const handshake = ["the client's reply to the hello", ...key, "the client's reply to the limits"];
    expect(statesOf("server", true)).toEqual([...handshake, ...frames]);
    expect(statesOf("server", false)).toEqual(frames);
  });

  it("has what a client waits for, in order", () => {
    const limits = ["the length of the server's limits", "the server's limits"];
    expect(statesOf("client", true)).toEqual(["the server's hello", ...key, ...limits, ...frames]);
    expect(statesOf("client", false)).toEqual(frames);
  });

  it("is the same bytes each time", () => {
    const bytes = (): string[] =>
      recordConversations(encrypted).flatMap(({ items }) =>
        items.map((item) => Buffer.from(item.bytes).toString("hex")),
      );
    expect(bytes()).toEqual(bytes());
  });
});
