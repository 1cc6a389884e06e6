import { expect, it } from "vitest";
import { findCommit } from "./revision.js";

it.each(["no-such-revision", "0123456789012345678901234567890123456789", "--all", ""])(
  "refuses a revision that names no commit: %j",
  (revision) => {
    expect(() => findCommit(revision)).toThrow(TypeError);
    expect(() => findCommit(revision)).toThrow(`--against: ${revision} names no commit of this repository`);
  },
);
