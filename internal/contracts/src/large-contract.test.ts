import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";

const run = promisify(execFile);
const NODE_MODULES = fileURLToPath(new URL("../node_modules", import.meta.url));
const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const METHODS = 1_000;

/** A contract of so many methods, a remote of it, and a handler for each. */
function source(): string {
  const names = Array.from({ length: METHODS }, (_, at) => `method${at}`);
  const define = (name: string, at: number): string =>
    `  ${name}: method({ input: z.object({ id: z.number(), name${at}: z.string() }), output: z.object({ ok: z.boolean() }) }),`;
  return `import { type CallPeer, method, rpc, serve } from "@ipc/rpc";
import { z } from "zod";
const contract = {
${names.map(define).join("\n")}
};
export async function use(peer: CallPeer): Promise<boolean> {
  serve(peer, contract, {
${names.map((name, at) => `    ${name}: ({ id, name${at} }) => ({ ok: name${at}.length > id }),`).join("\n")}
  });
  const { ok } = await rpc(peer).remote(contract).method999({ id: 1, name999: "x" });
  return ok;
}
`;
}

/** As the packaging tests, which also run a compiler: a bound against a compiler that hangs, in milliseconds. */
const TIME_LIMIT_MS = 120_000;

test("a contract of 1 000 methods with schemas compiles in strict mode", { timeout: TIME_LIMIT_MS }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "ipc-contract-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  symlinkSync(NODE_MODULES, join(folder, "node_modules"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(join(folder, "contract.ts"), source());
  const compilerOptions = {
    target: "es2023",
    lib: ["es2023"],
    types: [],
    module: "nodenext",
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: true,
    noEmit: true,
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["contract.ts"] }));
  const { stdout } = await run(process.execPath, [
    join(ROOT, "node_modules/typescript/bin/tsc"),
    "-p",
    folder,
    "--extendedDiagnostics",
  ]);
  expect(stdout).not.toMatch(/error TS/);
  const instantiations = Number(/Instantiations:\s+(\d+)/.exec(stdout)?.[1]);
  // Each method has its schemas, its handler and its call. A type that compares each method with all others comes to several thousands.
  expect(instantiations / METHODS).toBeLessThan(1_000);
});
