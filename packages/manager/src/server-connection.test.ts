import { SessionError } from "@ipc/session";
import { expect, it } from "vitest";
import { answersOf, readTo } from "../../../internal/testkit/src/peer-states.js";
import { nextEvent, serve } from "../test/served.js";
import { startAndVisit } from "../test/started.js";

it("emits disconnection with the reason when a client is destroyed with one", async () => {
  const { manager, visit } = await serve();
  const reason = new SessionError("IPC_TIMED_OUT", "slow");
  for (const [given, told] of [
    [reason, reason],
    ["enough", expect.objectContaining({ code: "IPC_CLOSED", cause: "enough" })],
    [undefined, undefined],
  ]) {
    const gone = nextEvent(manager, "disconnection");
    const { connection } = await visit();
    connection.destroy(given);
    expect(await gone).toEqual([connection, told]);
  }
});

it.each([
  ["disconnected", "Disconnected", "Disconnected, 9, IPC_CLOSED, IPC_CLOSED, end"],
  ["lost its manager", "Error", "Error, 7, IPC_CLOSED, IPC_LISTENER_LOST, IPC_LISTENER_LOST"],
])("a connection that has %s has ended, and keeps its id", async (how, status, answers) => {
  const { connection, raw, lose } = await startAndVisit("connection");
  if (how === "disconnected") raw.stream.destroy();
  else lose();
  await readTo(connection, status);
  expect(await answersOf(connection)).toBe(answers);
  expect(connection.id).toBe(1);
});

it("a connection rejects every other consumer while a poll reads it", async () => {
  const { connection, manager } = await startAndVisit("connection");
  void manager.read(() => {});
  expect(await answersOf(connection)).toBe("Connected, 3, done, IPC_CONSUMER_TAKEN, IPC_CONSUMER_TAKEN");
  expect(() => connection.on("message", () => {})).toThrow(expect.objectContaining({ code: "IPC_CONSUMER_TAKEN" }));
});
