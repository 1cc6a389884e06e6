import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type ClientOptions, startClient } from "@ipc/client";
import { expect, it, onTestFinished, vi } from "vitest";
import { collect, nextEvent } from "../../testkit/src/peer-watch.js";
import { temporaryDirectory } from "../../testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../testkit/src/until-test-ends.js";

interface Daemon {
  readonly process: ChildProcess;
  readonly directory: string;
  readonly exited: Promise<unknown[]>;
}

/** Starts the daemon of an example; resolves when it listens. */
async function startDaemon(app: string, program: string): Promise<Daemon> {
  // Its key file, for this process too.
  vi.stubEnv("XDG_RUNTIME_DIR", temporaryDirectory());
  onTestFinished(() => void vi.unstubAllEnvs());
  const directory = temporaryDirectory();
  const path = fileURLToPath(new URL(`../../../apps/${app}/dist/${program}.js`, import.meta.url));
  const env = { ...process.env, IPC_DIRECTORY: directory };
  const daemon = spawn(process.execPath, [path], { env, stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void daemon.kill("SIGKILL"));
  const exited = once(daemon, "exit");
  await once(daemon.stdout, "data");
  daemon.stdout.resume();
  return { process: daemon, directory, exited };
}

interface Exchange {
  readonly type: number;
  readonly question: string | Uint8Array;
  /** Last of what comes, as text. */
  readonly answer: RegExp;
  /** How many messages come. @default 1 */
  readonly answers?: number;
}

const MESSAGE: Exchange = { type: 5, question: "asked before SIGTERM", answer: /^server - PING$/ };
const SECRET: Exchange = { ...MESSAGE, answer: /^a secret$/ };
/** `get({"id":7})`, as docs/WIRE.md has it. A call that the daemon reads after the signal is refused. */
const CALL: Exchange = {
  type: 0x72706331,
  question: Buffer.from("0110000300000001000075306765747b226964223a377d", "hex"),
  answer: /\{"id":7,"total":70\}$|ipc\.closing/,
};

it.each([
  ["simple", "server", "example_simple", MESSAGE, {}],
  ["timed", "server", "example_timed", MESSAGE, {}],
  ["keyfile", "server", "example_keyfile", SECRET, { security: { keyFile: true } }],
  ["multiclient", "manager", "example_multi", { ...MESSAGE, answers: 2 }, {}],
  ["calls", "manager", "example_calls", CALL, {}],
] satisfies [string, string, string, Exchange, Partial<ClientOptions>][])(
  "the daemon of the example %s answers what was sent before SIGTERM, and leaves no socket file",
  async (app, program, name, { type, question, answer, answers = 1 }, options) => {
    const daemon = await startDaemon(app, program);
    const { directory } = daemon;
    const client = untilTestEnds(await startClient({ name, directory, ...options }));
    const received = collect(client, "message");
    const lost = nextEvent(client, "lost");
    await client.write(type, question);
    await client.flush();
    daemon.process.kill("SIGTERM");
    expect(await lost).toMatchObject({ code: "IPC_PEER_CLOSED" });
    expect([received.length, received.at(-1)?.text()]).toEqual([answers, expect.stringMatching(answer)]);
    expect(await daemon.exited).toEqual([0, null]);
    expect(await readdir(directory)).toEqual([]);
  },
);

it.each([
  ["simple", "server"],
  ["timed", "server"],
  ["keyfile", "server"],
  ["multiclient", "manager"],
  ["calls", "manager"],
])("the daemon of the example %s ends by SIGTERM without a client, too", async (app, program) => {
  const daemon = await startDaemon(app, program);
  daemon.process.kill("SIGTERM");
  expect(await daemon.exited).toEqual([0, null]);
  expect(await readdir(daemon.directory)).toEqual([]);
});
