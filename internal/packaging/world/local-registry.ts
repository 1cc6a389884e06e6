import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { PeerProcess } from "./peer-process.js";
import { installTools } from "./tools.js";

/** The last line that runs on Node.js 20. */
const TOOLS = { verdaccio: "6.8.0" };
/** A dependency names it by a tag, which not every mirror of npm has. */
const OVERRIDES = { "node-fetch": "2.7.0" };

/** Serves our packages as they were published to it, and others from another registry, on the loopback address, and prints its port. */
const PROGRAM = `
import { runServer } from "verdaccio";

const [storage, url] = process.argv.slice(1);
const all = { access: "$all", publish: "$all" };
const registry = await runServer({
  storage,
  self_path: storage,
  uplinks: { others: { url } },
  packages: { "@ipc/*": all, "**": { ...all, proxy: "others" } },
  auth: { htpasswd: { file: storage + "/users" } },
  log: { type: "stdout", format: "pretty", level: "fatal" },
  web: { enable: false },
});
registry.listen(0, "127.0.0.1", () => console.log(registry.address().port));
`;

/** A registry of npm on this machine that anyone on it may publish to. */
export class LocalRegistry implements AsyncDisposable {
  /** For npm, pnpm and changesets: the registry's address, and a file with a token, because npm publishes with one only. */
  readonly env: Readonly<Record<string, string>>;
  readonly #server: PeerProcess;

  private constructor(server: PeerProcess, env: Readonly<Record<string, string>>) {
    this.#server = server;
    this.env = env;
  }

  /** @param folder receives what is published */
  static async start(folder: string): Promise<LocalRegistry> {
    const tools = await installTools(TOOLS, { overrides: OVERRIDES });
    const storage = join(folder, "storage");
    await mkdir(storage, { recursive: true });
    // For what the command `ipc` depends on.
    const { stdout: others } = await promisify(execFile)("npm", ["config", "get", "registry"]);
    const command = [process.execPath, "--input-type=module", "--eval", PROGRAM, storage, others.trim()];
    const server = new PeerProcess(command, tools, join(folder, "registry-output"));
    const host = `127.0.0.1:${await server.line()}`;
    const configuration = join(folder, "npmrc");
    await writeFile(configuration, `//${host}/:_authToken=anyone\n`);
    return new LocalRegistry(server, {
      npm_config_registry: `http://${host}/`,
      npm_config_userconfig: configuration,
      npm_config_update_notifier: "false",
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.kill();
  }
}
