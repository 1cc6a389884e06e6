import { posix } from "node:path";
import { expect, test } from "vitest";
import { foldersIn, isFile, readManifest, readText } from "./source-tree.js";

const workspaces = ["packages", "internal", "apps"]
  .filter((parent) => foldersIn(".").includes(parent))
  .flatMap((parent) => foldersIn(parent).map((folder) => `${parent}/${folder}`))
  .filter((folder) => isFile(`${folder}/package.json`));
const compiled = workspaces.filter((folder) => readManifest(folder).scripts?.["build"] !== undefined);
const published = workspaces.filter((folder) => folder.startsWith("packages/"));

test.each(workspaces)("%s is named after its folder, and private unless it is for users", (folder) => {
  const { name, private: isPrivate = false } = readManifest(folder);
  const isPublished = published.includes(folder);
  expect(name).toBe(`${isPublished ? "@ipc" : "@ipc-internal"}/${posix.basename(folder)}`);
  expect(isPrivate).toBe(!isPublished);
});

test("tsconfig.build.json refers to everything that is compiled", () => {
  const { references } = JSON.parse(readText("tsconfig.build.json"));
  const built = references.map((reference: { path: string }) => reference.path);
  expect(compiled.filter((folder) => !built.includes(folder))).toEqual([]);
});
