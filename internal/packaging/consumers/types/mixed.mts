// The part of the same project that is ESM: clients go from one part to the other.
import { type Client, startClient } from "@ipc/client";
import { start, stop } from "./legacy.cjs";

const client: Client = await start("orders");
await stop(await startClient({ name: client.remote }));
