import { memoryPair } from "@ipc/transport";
import { expect, it, onTestFinished } from "vitest";
import { readData } from "../../../../internal/testkit/src/peer-watch.js";
import { openSession } from "./session.js";

it.each([
  ["taken", { code: "IPC_NOT_RESUMABLE" }],
  ["x", { name: "TypeError", message: expect.stringContaining('`until` takes "taken", got "x"') }],
])("write, flush and reply of a session reject `until: %o`, and send nothing", async (until, error) => {
  const [near, far] = memoryPair();
  const sessions = await Promise.all([openSession(near, { role: "client" }), openSession(far, { role: "server" })]);
  onTestFinished(() => {
    for (const session of sessions) session.destroy();
  });
  const [session, other] = sessions;
  await other.write(1, "question");
  const question = await readData(session);
  const options = { until: until as "taken" };
  for (const refused of [session.write(1, "x", options), session.flush(options), question.reply(1, "x", options)])
    await expect(refused).rejects.toMatchObject(error);
  await session.write(1, "next");
  expect((await readData(other)).text()).toBe("next");
});
