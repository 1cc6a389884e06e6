import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { installTools } from "./tools.js";

test("an installation that fails leaves nothing in the cache", async () => {
  const cache = await mkdtemp(join(tmpdir(), "ipc-tools-"));
  onTestFinished(() => rm(cache, { recursive: true, force: true }));
  await expect(installTools({ absent: `file:${join(cache, "absent.tgz")}` }, { cache })).rejects.toThrow("npm");
  expect(await readdir(cache)).toEqual([]);
});
