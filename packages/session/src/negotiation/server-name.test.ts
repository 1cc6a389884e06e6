import { describe, expect, test } from "vitest";
import { assertServerName, hashServerName } from "./server-name.js";

const check = { address: "/tmp/orders.sock", expected: "orders", require: false };

describe("a server's name", () => {
  test("is sent as the first 16 bytes of SHA-256 over a label and the name", () => {
    expect(Buffer.from(hashServerName("orders")).toString("hex")).toBe("6b4653982911baea7bf9d3cb19db921a");
    expect(Buffer.from(hashServerName("ördérs")).toString("hex")).toBe("097c5a0aed597ccbf1db7a3b756442fe");
    expect(hashServerName(undefined)).toEqual(new Uint8Array(16));
  });

  test("is accepted when it is the expected one, or when none is expected", () => {
    assertServerName(hashServerName("orders"), check);
    assertServerName(hashServerName("orders"), { ...check, require: true });
    for (const nameHash of [undefined, hashServerName(undefined), hashServerName("worker1")]) {
      assertServerName(nameHash, { ...check, expected: undefined, require: true });
    }
  });

  test("is rejected when it is another", () => {
    for (const require of [false, true]) {
      expect(() => assertServerName(hashServerName("worker"), { ...check, require })).toThrow(
        expect.objectContaining({
          code: "IPC_SECURITY_REFUSED",
          message: expect.stringContaining("the server at /tmp/orders.sock is not `orders`"),
        }),
      );
    }
  });

  test.each([
    ["makes no offer", undefined],
    ["announces none", hashServerName(undefined)],
  ])("may be missing unless the client requires keys: the server %s", (_what, nameHash) => {
    assertServerName(nameHash, check);
    expect(() => assertServerName(nameHash, { ...check, require: true })).toThrow(
      expect.objectContaining({ code: "IPC_SECURITY_REFUSED" }),
    );
  });
});
