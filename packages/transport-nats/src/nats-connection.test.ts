import { spawnSync } from "node:child_process";
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";

const ROOT = join(import.meta.dirname, "../../..");

/** A program of a user with the real declarations of nats.js. */
const PROGRAM = `
import { nats } from "@ipc/transport-nats";
import { connect } from "@nats-io/transport-node";
export const transport = nats(await connect({ servers: "127.0.0.1" }));
`;

test("takes a connection of nats.js by its own types", () => {
  const folder = temporaryDirectory();
  // The types of this package, of nats.js and of Node are where this package has them.
  const modules = join(ROOT, "packages/transport-nats/node_modules");
  symlinkSync(modules, join(folder, "node_modules"), "junction");
  writeFileSync(
    join(folder, "main.mts"),
    PROGRAM.replace("@ipc/transport-nats", join(ROOT, "packages/transport-nats/dist/index.js")),
  );
  const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
  const options = ["--noEmit", "--strict", "--skipLibCheck", "--target", "es2023", "--module", "nodenext"];
  const types = ["--typeRoots", join(ROOT, "node_modules/@types"), "--types", "node"];
  const { stdout } = spawnSync(process.execPath, [compiler, ...options, ...types, "main.mts"], {
    cwd: folder,
    encoding: "utf8",
  });
  expect(stdout).toBe("");
}, 60_000);
