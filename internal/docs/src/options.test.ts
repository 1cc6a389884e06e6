import { describe, expect, test } from "vitest";
import { readText } from "../../architecture/src/source-tree.js";

const INTERFACES = [
  ["session/src/options/peer-options.ts", "PeerOptions", ""],
  ["session/src/resume/resume-options.ts", "ReconnectOptions", ""],
  ["session/src/options/security-options.ts", "SecurityOptions", "security."],
  ["session/src/resume/resume-options.ts", "ResumeOptions", "resume."],
  ["session/src/lifecycle/session.ts", "SessionOptions", ""],
  ["client/src/client-options.ts", "ClientOptions", ""],
  ["server/src/server-options.ts", "ServerOptions", ""],
  ["manager/src/manager-options.ts", "ManagerOptions", ""],
  ["rpc/src/layer/rpc-options.ts", "RpcOptions", ""],
  ["rpc/src/serve/handler-types.ts", "ServeOptions", ""],
  ["rpc/src/calls/call-options.ts", "AnyCallOptions", ""],
  ["transport-nats/src/nats.ts", "NatsOptions", ""],
] as const;

const documented = readText("docs/OPTIONS.md");

/** Lists the properties of an interface, in the order of its source. */
function propertiesOf(file: string, name: string): string[] {
  const [, body] = new RegExp(`export interface ${name}\\b[^{]*{\\n([\\s\\S]*?)\\n}`).exec(readText(file)) ?? [];
  if (body === undefined) throw new Error(`${file}: no interface ${name}`);
  return [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].flatMap(([, property]) => property ?? []);
}

describe("docs/OPTIONS.md", () => {
  test.each(INTERFACES)("has a row for each option of %s, %s", (file, name, prefix) => {
    const options = propertiesOf(`packages/${file}`, name).filter((option) => option !== "security");
    expect(options).not.toEqual([]);
    const missing = options.filter((option) => !new RegExp(`^\\|.*\`${prefix}${option}\`.*\\|`, "m").test(documented));
    expect(missing).toEqual([]);
  });
});
