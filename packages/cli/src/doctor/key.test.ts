import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../../../../internal/testkit/src/temporary-directory.js";
import { NO_OPTIONS } from "../../test/no-options.js";
import { examineKeys } from "./key.js";
import { statsOf } from "./place.js";

/** Makes a path below a file, and one through a link to itself. */
function hinderedPaths(): { readonly ENOTDIR: string; readonly ELOOP: string } {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, "file"), "");
  symlinkSync("loop", join(directory, "loop"));
  return { ENOTDIR: join(directory, "file", "key"), ELOOP: join(directory, "loop", "key") };
}

describe("the doctor", () => {
  it.each(["ENOTDIR", "ELOOP"] as const)("explains a key whose path cannot be followed: %s", (code) => {
    const { [code]: path } = hinderedPaths();
    expect(examineKeys("orders", { ...NO_OPTIONS, pskFile: path, keyFile: path })).toMatchObject([
      { check: "key", state: "failed", path },
      {
        problem: "key-missing",
        path,
        seen: expect.stringContaining(code),
        mend: "check --psk-file, and the directories above the file",
      },
    ]);
    expect(statsOf(path)).toBeUndefined();
  });

  it("explains a key that does not exist", () => {
    const path = join(temporaryDirectory(), "key");
    expect(examineKeys("orders", { ...NO_OPTIONS, identity: path })).toMatchObject([
      { problem: "key-missing", seen: "no such file", mend: "check --identity; ipc key new makes one" },
    ]);
  });
});
