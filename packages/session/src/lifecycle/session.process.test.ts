import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { runModule } from "../../../../internal/testkit/src/child-process.js";
import { temporaryDirectory } from "../../../../internal/testkit/src/temporary-directory.js";

const PACKAGE = fileURLToPath(new URL("../..", import.meta.url));

it("a process stays alive until a session has delivered what its ended peer has sent, in many time slices", async () => {
  const outcome = await runModule(
    `
      import { connect, createServer } from "node:net";
      import { encodeMessage } from "@ipc/framing";
      import { openSession } from "@ipc/session";
      const path = ${JSON.stringify(`${temporaryDirectory()}/orders.sock`)};
      const MESSAGES = 20_000;
      const server = createServer(async (socket) => {
        server.close();
        const session = await openSession(socket, { role: "server", encryption: false });
        // Each sample of the clock ends a time slice.
        let now = performance.now();
        performance.now = () => ++now;
        let received = 0;
        session.on("message", () => void received++);
        session.on("close", () => process.stdout.write(String(received)));
      });
      server.listen(path, () => {
        const peer = connect(path, () => {
          peer.unref();
          peer.resume();
          peer.end(Buffer.concat([Buffer.of(0, 0), ...Array.from({ length: MESSAGES }, () => encodeMessage(1, Buffer.of(1)))]));
        });
      });
    `,
    PACKAGE,
  );
  expect(outcome).toEqual({ code: 0, stdout: "20000", stderr: "" });
});
