import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { findNatsServer, NatsServer } from "@ipc-internal/conformance/nats-server";
import { PrivateNetwork } from "@ipc-internal/conformance/private-network";

/** Two servers and three clients. */
const HOSTS = 5;

console.log(
  "A broker, two servers of one name and three clients, as on six machines. One server is killed while calls run.\n",
);
const program = await findNatsServer();
if ("path" in program) await show(program.path);
else {
  console.error(`There is no broker: ${program.missing}.`);
  console.error("Install nats-server from https://github.com/nats-io/nats-server/releases so that it is on the PATH,");
  console.error("or Go from https://go.dev/dl, with which this builds it once.");
  process.exitCode = 1;
}

/** Starts a program; resolves when it has printed its first line. */
type Start = (script: string, name: string) => Promise<Started>;

interface Started {
  readonly child: ChildProcess;
  readonly first: string;
  /** Resolves with its exit code: it may end before the others have started. */
  readonly exit: Promise<number | null>;
}

async function show(natsServer: string): Promise<void> {
  const missing = PrivateNetwork.whyMissing();
  using network = missing === undefined ? new PrivateNetwork(HOSTS) : undefined;
  process.once("SIGINT", () => {
    network?.[Symbol.dispose]();
    process.exit(130);
  });
  console.log(
    network === undefined
      ? `network  │ the loopback interface, because ${missing}`
      : "network  │ each is a host of its own, a network namespace with a link to the broker",
  );
  await using broker = await NatsServer.start(natsServer, network && { within: network.within });
  console.log("broker   │ nats-server listens");
  const key = randomBytes(32).toString("hex");

  const children: ChildProcess[] = [];
  async function start(...[script, name]: Parameters<Start>): ReturnType<Start> {
    const host = network?.hosts[children.length];
    const command = [process.execPath, fileURLToPath(new URL(script, import.meta.url)), name];
    const [program = process.execPath, ...args] = [...(host?.within ?? []), ...command];
    const child = spawn(program, args, {
      env: { ...process.env, IPC_BROKER: host === undefined ? broker.url : `${host.hub}:${broker.port}`, IPC_KEY: key },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const lines = createInterface({ input: child.stdout });
    lines.on("line", (line) => console.log(`${name} │ ${line}`));
    children.push(child);
    // Not its exit, which may come before its output.
    const exit = once(child, "close").then(([code]) => code as number | null);
    const ended = exit.then((code) => {
      throw new Error(`${name} ended at its start with ${code}`);
    });
    const [first] = (await Promise.race([once(lines, "line"), ended])) as [string];
    ended.catch(() => {}); // an end later on is expected
    return { child, first, exit };
  }

  try {
    await play(start);
  } finally {
    for (const child of children) child.kill("SIGKILL");
  }
}

async function play(start: Start): Promise<void> {
  const servers = await Promise.all(["server a", "server b"].map((name) => start("server.js", name)));
  const clients = await Promise.all(["client 1", "client 2", "client 3"].map((name) => start("client.js", name)));
  // The one that serves the first client.
  const [victim, survivor] = clients[0]?.first.endsWith("server a") ? servers : servers.toReversed();
  console.log(`broker   │ ${victim === servers[0] ? "server a" : "server b"} is killed`);
  victim?.child.kill("SIGKILL");
  const codes = await Promise.all(clients.map(({ exit }) => exit));
  survivor?.child.kill("SIGTERM");
  await survivor?.exit;
  const failures = codes.filter((code) => code !== 0).length;
  if (failures > 0) throw new Error(`${failures} clients failed`);
  console.log("\nAll ended by themselves. The code is in apps/machines/src.");
}
