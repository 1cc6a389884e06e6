import { describe } from "vitest";
import { buildGoPeer } from "./go-toolchain.js";

const program = await buildGoPeer();

/** As `describe.concurrent`, with the path of go-peer; skipped, and the title says why, where there is no Go. */
export function describeWithGo(title: string, body: (goPeer: string) => void): void {
  if ("path" in program) describe.concurrent(title, () => body(program.path));
  else describe.skip(`${title} (skipped: ${program.missing})`, () => body(""));
}
