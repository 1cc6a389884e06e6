import { expect } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { readToEnd } from "../../../internal/testkit/src/peer-watch.js";
import { plainFrame, RawPeer } from "../../../internal/testkit/src/raw-peer.js";
import { describeThrowers, type Scene } from "../../../internal/testkit/src/throwers.js";
import { startAndVisit, type Visited } from "../test/started.js";

/** Written messages arrive, and received ones are emitted. */
async function converse({ server }: Visited, client: RawPeer): Promise<void> {
  await server.write(1, "here");
  expect((await client.read(12)).subarray(8).toString()).toBe("here");
  const before = server.stats.messagesReceived;
  client.stream.write(plainFrame(1, "there"));
  await eventually(() => expect(server.stats.messagesReceived).toBe(before + 1));
}

async function scene(act: (visited: Visited) => Pick<Scene, "provoke" | "afterwards">): Promise<Scene> {
  const visited = await startAndVisit();
  return { teller: visited.server, ...act(visited) };
}

/** Its client goes, and another one comes. */
function returning(leave: (client: RawPeer) => unknown): (visited: Visited) => Pick<Scene, "provoke" | "afterwards"> {
  return (visited) => ({
    provoke: () => leave(visited.client),
    async afterwards() {
      await visited.client.gone;
      const next = await RawPeer.connect(visited.server.address);
      await next.join();
      await eventually(() => expect(visited.server.status).toBe("Connected"));
      await converse(visited, next);
    },
  });
}

/** A length that no frame has. */
const nonsense = (client: RawPeer): void => client.write(0, 0, 0, 0);

describeThrowers("server", {
  message: () => scene(returning((client) => client.stream.write(plainFrame(1, "a")))),
  status: () => scene(returning((client) => client.stream.destroy())),
  lost: () => scene(returning(nonsense)),
  refused: () =>
    scene((visited) => ({
      async provoke() {
        const stranger = await RawPeer.connect(visited.server.address);
        await stranger.gone;
      },
      afterwards: () => converse(visited, visited.client),
    })),
  error: () =>
    scene(({ server, client, loseListener }) => ({
      provoke: loseListener,
      async afterwards() {
        await client.gone;
        expect(await readToEnd(server)).toEqual(["Error", "IPC_LISTENER_LOST"]);
      },
    })),
  close: () =>
    scene(({ server, client }) => ({
      provoke: () => server.close(),
      async afterwards() {
        await client.gone;
        expect(await readToEnd(server)).toEqual(["Closing", "Closed", "IPC_CLOSED"]);
      },
    })),
});
