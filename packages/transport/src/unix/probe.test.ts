import { once } from "node:events";
import { createServer } from "node:net";
import { platform } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { leaveKilledServer, scratchDirectory } from "../../test/scratch.js";
import { isListedAsListening } from "./probe.js";

test("lists a listener's path on Linux while it listens, with any characters", async () => {
  const path = join(scratchDirectory(), "a  b.sock");
  expect(await isListedAsListening(path)).toBe(false);
  const server = createServer().listen(path);
  await once(server, "listening");
  expect(await isListedAsListening(path)).toBe(platform() === "linux");
  expect(await isListedAsListening(path.slice(0, -1))).toBe(false);
  server.close();
  expect(await isListedAsListening(path)).toBe(false);
});

test("does not list a killed server's path", async () => {
  const path = join(scratchDirectory(), "a.sock");
  await leaveKilledServer(path);
  expect(await isListedAsListening(path)).toBe(false);
});
