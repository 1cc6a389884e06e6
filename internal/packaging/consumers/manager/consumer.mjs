// Loads everything in both formats: one process may do that, and then both share classes and state.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { startServerManager } from "@ipc/manager";
import { memory } from "@ipc/transport";

const require = createRequire(import.meta.url);

for (const name of readdirSync("node_modules/@ipc")) {
  const { exports } = require(`@ipc/${name}/package.json`);
  for (const subpath of Object.keys(exports).filter((path) => path !== "./package.json")) {
    const specifier = `@ipc/${name}${subpath.slice(1)}`;
    const [imported, required] = [await import(specifier), require(specifier)];
    for (const [key, value] of Object.entries(required)) assert.equal(imported[key], value, `${specifier}: ${key}`);
  }
}

const transport = memory();
const server = await require("@ipc/server").startServer({ name: "orders", transport });
await assert.rejects(startServerManager({ name: "orders", transport }), { code: "IPC_ADDRESS_IN_USE" });
await server.close();
