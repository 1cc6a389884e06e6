import { tcp } from "@ipc/transport";
import { expect, it } from "vitest";
import { openFarClient } from "../../../internal/testkit/src/far-client.js";
import { nextEvent, serve } from "../test/served.js";

it("emits Disconnected and close for a client that closes before it is classified", async () => {
  const transport = tcp({ port: 0 });
  const { manager } = await serve({ transport });
  const told: string[] = [];
  manager.on("connection", (connection) => {
    connection.on("status", (status) => void told.push(status));
    connection.on("close", () => void told.push("close"));
  });
  const gone = nextEvent(manager, "disconnection");
  const port = Number(manager.address.split(":").at(-1));
  await (await openFarClient(tcp({ port }), "orders")).close();
  await gone;
  expect(told).toContain("Disconnected");
  expect(told.at(-1)).toBe("close");
});
