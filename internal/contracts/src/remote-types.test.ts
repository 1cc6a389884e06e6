import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, onTestFinished, test } from "vitest";

const NODE_MODULES = fileURLToPath(new URL("../node_modules", import.meta.url));

const CONTRACT = `import { method } from "@ipc/rpc";
import { z } from "zod";
export const contract = { add: method({ input: z.object({ a: z.number() }), output: z.number() }) };
`;

const typedOnly = `import { type CallPeer, rpc } from "@ipc/rpc";
import type { contract } from "./contract.js";
export const add = (peer: CallPeer) => rpc(peer).remote<typeof contract>().add({ a: 1 });
`;

const withSchemas = `import { type CallPeer, rpc } from "@ipc/rpc";
import { contract } from "./contract.js";
export const add = (peer: CallPeer) => rpc(peer).remote(contract).add({ a: 1 });
`;

/** Bundles a caller, and returns the names of the packages and files of its own that are in it. */
async function partsOf(caller: string): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "ipc-remote-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  symlinkSync(NODE_MODULES, join(folder, "node_modules"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(join(folder, "contract.ts"), CONTRACT);
  writeFileSync(join(folder, "caller.ts"), caller);
  const { metafile } = await build({
    absWorkingDir: folder,
    entryPoints: ["caller.ts"],
    bundle: true,
    platform: "node",
    format: "esm",
    write: false,
    metafile: true,
  });
  const inputs = Object.keys(metafile.inputs);
  const own = ["contract.ts", "caller.ts"].filter((name) => inputs.some((input) => basename(input) === name));
  return [...own, ...(inputs.some((input) => input.includes("/zod/")) ? ["zod"] : [])];
}

test("a remote of a contract's type has neither the contract nor its schemas in its bundle", async () => {
  expect(await partsOf(typedOnly)).toEqual(["caller.ts"]);
  expect(await partsOf(withSchemas)).toEqual(["contract.ts", "caller.ts", "zod"]);
});
