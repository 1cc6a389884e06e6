import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Logger, WaitingEvent } from "@ipc/session";
import { expect, it, onTestFinished } from "vitest";
import { FarServer } from "../../../internal/testkit/src/far-server.js";
import { nextEvent } from "../../../internal/testkit/src/peer-watch.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import { startClient } from "./client.js";

it("a client without a server reports on ipc:waiting and in the log the address that it waits for, and the failure of the last attempt", async () => {
  const directory = temporaryDirectory();
  const address = `${directory}/orders.sock`;
  const [lines, told]: [string[], unknown[]] = [[], []];
  const line = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
  const logger: Logger = { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") };
  const giveUp = new AbortController();
  const keep = (news: unknown): void => {
    if ((news as WaitingEvent).address !== address) return;
    told.push(news);
    if (told.length === 3) giveUp.abort();
  };
  subscribe("ipc:waiting", keep);
  onTestFinished(() => void unsubscribe("ipc:waiting", keep));
  const start = startClient({ name: "orders", directory, retryMs: 1, logger, signal: giveUp.signal });
  await expect(start).rejects.toMatchObject({ code: "IPC_ABORTED" });
  const error = expect.objectContaining({ code: "IPC_NO_SERVER" });
  expect(told).toEqual(new Array(3).fill({ role: "client", name: "orders", address, error }));
  const why = `no server listens at ${address} (ENOENT); start it, or check that both sides name the same name and directory`;
  const what = `client orders: waiting for a server at ${address}: ${why}`;
  expect(lines).toEqual([`warn ${what}`, `debug ${what}`, `debug ${what}`]);
});

it("a client that has lost its server emits waiting, with the reason and the address, after each failed attempt", async () => {
  const directory = temporaryDirectory();
  const far = await FarServer.listen(directory, "orders");
  const starting = startClient({ name: "orders", directory, retryMs: 1 });
  const session = await far.session();
  const client = untilTestEnds(await starting);
  const waited = new Promise((resolve) => client.on("waiting", (...args) => resolve(args)));
  const lost = nextEvent(client, "lost");
  await far.close();
  session.destroy();
  await lost;
  expect(await waited).toMatchObject([{ code: "IPC_NO_SERVER" }, `${directory}/orders.sock`]);
});
