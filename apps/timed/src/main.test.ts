import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const run = promisify(execFile);

it("shows reads that give up and lose nothing, and ends by itself", async () => {
  const { stdout } = await run(process.execPath, [fileURLToPath(new URL("../dist/main.js", import.meta.url))]);
  // The server says nothing unasked, and the client asks when a read has given up.
  expect(stdout.match(/^client │ nothing within 100 ms/gm)?.length).toBeGreaterThanOrEqual(3);
  expect(stdout.match(/^client │ received type 1: "server - PING"$/gm)).toHaveLength(3);
  for (const text of ["PONG", "PONG 2", "PONG 3"]) {
    expect(stdout).toContain(`server │ received type 5: "Message from client - ${text}"`);
  }
  expect(stdout).toContain("server │ status: Disconnected\n");
  expect(stdout).toContain("client │ status: Closed\n");
});
