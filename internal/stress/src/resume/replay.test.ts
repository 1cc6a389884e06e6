import { connect } from "node:net";
import { type Client, startClient } from "@ipc/client";
import { type ServerConnection, type ServerManager, startServerManager } from "@ipc/manager";
import { type Transport, TransportError } from "@ipc/transport";
import { describe, expect, it, onTestFinished } from "vitest";
import { CutSockets } from "../../../testkit/src/cut-sockets.js";
import { eventually } from "../../../testkit/src/eventually.js";
import { untilTestEnds } from "../../../testkit/src/until-test-ends.js";

const name = "target";
const psk = new Uint8Array(32).fill(7);
const SECRET = "the plaintext";

/** Unix sockets that record what a client sends over each connection, until the test takes them down. */
class Recorder {
  readonly sockets: CutSockets = new CutSockets();
  readonly sent: Buffer[][] = [];
  isDown = false;

  readonly transport: Transport = {
    address: this.sockets.address,
    listen: this.sockets.listen,
    dial: async (...place) => {
      if (this.isDown) throw new TransportError("IPC_NO_SERVER", "the network is down");
      const socket = await this.sockets.dial(...place);
      const sent: Buffer[] = [];
      this.sent.push(sent);
      const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
      socket.write = (...args: unknown[]) => {
        sent.push(Buffer.from(args[0] as Uint8Array));
        return write(...args);
      };
      return socket;
    },
  };
}

interface Scene {
  readonly recorder: Recorder;
  readonly manager: ServerManager;
  readonly client: Client;
  readonly connection: ServerConnection;
  /** The client's bytes over the connection that has resumed its session. */
  readonly recorded: readonly Buffer[];
  readonly texts: readonly string[];
}

/** A session that was resumed once. */
async function start(options: object): Promise<Scene> {
  const recorder = new Recorder();
  const common = { name, transport: recorder.transport, resume: true, ...options };
  const manager = untilTestEnds(await startServerManager(common));
  const client = untilTestEnds(await startClient({ ...common, retryMs: 1 }));
  const texts: string[] = [];
  manager.on("message", () => {});
  client.on("message", (message) => void texts.push(message.text()));
  await eventually(() => expect(manager.connections.size).toBe(1));
  const connection = [...manager.connections.values()][0] as ServerConnection;
  recorder.sockets.cut();
  await eventually(() => expect([client.status, client.stats.resumes]).toEqual(["Connected", 1]));
  return { recorder, manager, client, connection, recorded: recorder.sent[1] as Buffer[], texts };
}

/** Sends these bytes to a server. Resolves with all that it sends until it has ended the connection. */
function replay(path: string, bytes: Uint8Array): Promise<string> {
  return new Promise((resolve) => {
    const received: Buffer[] = [];
    const socket = connect(path)
      .on("error", () => {})
      .on("data", (chunk) => void received.push(chunk))
      .on("close", () => resolve(Buffer.concat(received).toString("latin1")));
    socket.write(bytes);
    onTestFinished(() => void socket.destroy());
  });
}

describe.each([
  ["without keys", {}],
  ["with a pre-shared key", { security: { psk } }],
])("a recorded RESUME that is replayed byte for byte, %s", (_mode, options) => {
  it.each([
    ["is connected", false],
    ["is away", true],
  ])("is refused with a code while its client %s, and gets no message", async (_where, isAway) => {
    const scene = await start(options);
    const { recorder, manager, client, connection, recorded, texts } = scene;
    const refused: string[] = [];
    manager.on("refused", ({ code }) => void refused.push(code));
    recorder.isDown = isAway;
    if (isAway) {
      recorder.sockets.cut();
      await eventually(() => expect(connection.status).toBe("Reconnecting"));
    }
    await connection.write(1, SECRET);
    const received = await replay(manager.address, Buffer.concat(recorded));
    await eventually(() => expect(refused).toEqual(["IPC_AUTHENTICATION_FAILED"]));
    expect(received).not.toContain(SECRET);
    expect([connection.status, connection.stats.resumes]).toEqual([isAway ? "Reconnecting" : "Connected", 1]);
    recorder.isDown = false;
    await eventually(() => expect(texts).toEqual([SECRET]));
    await client.write(1, "unharmed", { until: "taken" });
    expect([connection.status, connection.stats.resumes]).toEqual(["Connected", isAway ? 2 : 1]);
  });
});
