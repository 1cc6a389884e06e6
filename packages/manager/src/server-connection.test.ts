import { SessionError } from "@ipc/session";
import { expect, it } from "vitest";
import { nextEvent, serve } from "../test/served.js";

it("the disconnection of a client that was destroyed for a reason gives the reason", async () => {
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
