import { describe } from "vitest";
import { describeWith } from "../../testkit/src/describe-with.js";
import { buildGoPeer } from "./go-toolchain.js";

const program = await buildGoPeer();

/** As `describe.concurrent`, with the path of go-peer; skipped, and the title says why, where there is no Go. */
export function describeWithGo(title: string, body: (goPeer: string) => void): void {
  describeWith(program, title, body, describe.concurrent);
}
