import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** Makes a directory for one test; it is removed when the test is over. Its path is short: a socket's has 103 bytes. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "ipc-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
