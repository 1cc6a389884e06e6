import { expect } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { failureOf, readToEnd } from "../../../internal/testkit/src/peer-watch.js";
import { plainFrame, RawPeer } from "../../../internal/testkit/src/raw-peer.js";
import { describeThrowers, type Scene } from "../../../internal/testkit/src/throwers.js";
import { type Started, start } from "../test/started.js";
import type { ClientOptions } from "./client-options.js";

/** Written messages arrive, and received ones are emitted. */
async function converse({ client }: Started, server: RawPeer): Promise<void> {
  await client.write(1, "here");
  expect((await server.read(12)).subarray(8).toString()).toBe("here");
  const before = client.stats.messagesReceived;
  server.stream.write(plainFrame(1, "there"));
  await eventually(() => expect(client.stats.messagesReceived).toBe(before + 1));
}

async function scene(
  options: Partial<ClientOptions>,
  act: (started: Started) => Pick<Scene, "provoke" | "afterwards">,
): Promise<Scene> {
  const started = await start(options);
  return { teller: started.client, ...act(started) };
}

/** Its connection ends, and the next one comes. */
function returning(leave: (server: RawPeer) => unknown): (started: Started) => Pick<Scene, "provoke" | "afterwards"> {
  return (started) => ({
    provoke: () => leave(started.server),
    async afterwards() {
      const server = new RawPeer(await started.far.next());
      await server.serve();
      await eventually(() => expect(started.client.status).toBe("Connected"));
      await converse(started, server);
    },
  });
}

const gone = (server: RawPeer): unknown => server.stream.destroy();

describeThrowers("client", {
  message: () =>
    scene(
      { retryMs: 1 },
      returning((server) => server.stream.write(plainFrame(1, "a"))),
    ),
  status: () => scene({ retryMs: 1 }, returning(gone)),
  lost: () => scene({ retryMs: 1 }, returning(gone)),
  error: () =>
    scene({ retry: false, retryMs: 1 }, ({ client, server, far }) => ({
      async provoke() {
        await far.close();
        server.stream.destroy();
      },
      async afterwards() {
        expect(await readToEnd(client)).toEqual(["Reconnecting", "Error", "IPC_NO_SERVER"]);
        expect(await failureOf(client.write(1, "late"))).toMatchObject({ code: "IPC_CLOSED" });
        await client.close();
      },
    })),
  close: () =>
    scene({}, ({ client, server }) => ({
      provoke: () => client.close(),
      async afterwards() {
        await server.gone;
        expect(await readToEnd(client)).toEqual(["Closing", "Closed", "IPC_CLOSED"]);
      },
    })),
});
