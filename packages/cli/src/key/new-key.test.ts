import { mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../../../../internal/testkit/src/temporary-directory.js";
import { makeKey } from "./new-key.js";

describe("makeKey", () => {
  it.each(["me.pem", "me.pem.pub"])("leaves nothing behind when a link without a file stands at %s", (taken) => {
    const directory = temporaryDirectory();
    symlinkSync("nowhere", join(directory, taken));
    expect(() => makeKey("identity", join(directory, "me.pem"), false)).toThrow(`${taken} exists`);
    expect(readdirSync(directory)).toEqual([taken]);
  });

  it("leaves no half of a key behind when a directory stands in its place", () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, "key"));
    expect(() => makeKey("psk", join(directory, "key"), true)).toThrow("cannot write the key");
    expect(readdirSync(directory)).toEqual(["key"]);
  });

  it("leaves the two files of an identity, and no other", () => {
    const directory = temporaryDirectory();
    for (const force of [false, true]) makeKey("identity", join(directory, "me.pem"), force);
    expect(readdirSync(directory).sort()).toEqual(["me.pem", "me.pem.pub"]);
  });
});
