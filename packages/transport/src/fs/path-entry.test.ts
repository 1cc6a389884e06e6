import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { leaveStaleSocket, scratchDirectory } from "../../test/scratch.js";
import { inspectPath } from "./path-entry.js";

test("returns the kind of an entry, and does not follow a link", async () => {
  const directory = scratchDirectory();
  const at = (name: string): string => join(directory, name);
  mkdirSync(at("directory"));
  writeFileSync(at("file"), "");
  await leaveStaleSocket(at("socket"));
  symlinkSync(at("socket"), at("link"));
  execFileSync("mkfifo", [at("pipe")]);
  expect(inspectPath(at("nothing"))).toEqual({ kind: "nothing" });
  expect(inspectPath(at("directory"))).toEqual({ kind: "other", what: "a directory" });
  expect(inspectPath(at("file"))).toEqual({ kind: "other", what: "a plain file" });
  expect(inspectPath(at("link"))).toEqual({ kind: "other", what: "a symbolic link" });
  expect(inspectPath(at("pipe"))).toEqual({ kind: "other", what: "a device or a pipe" });
  const { ino, uid } = lstatSync(at("socket"), { bigint: true });
  expect(inspectPath(at("socket"))).toMatchObject({ kind: "socket", inode: ino, owner: Number(uid) });
});
