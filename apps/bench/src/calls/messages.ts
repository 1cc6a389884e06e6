import { basename, dirname } from "node:path";
import { startClient } from "@ipc/client";
import { startServerManager } from "@ipc/manager";
import type { CallContestant, Value } from "./contestant.js";

const JSON_TYPE = 1;
const BYTES_TYPE = 2;

const optionsOf = (path: string) => ({ name: basename(path, ".sock"), directory: dirname(path) });

/** Messages that are answered in their order, in a secure session: what calls are built on. */
export const messages: CallContestant = {
  hasBytes: true,
  async listen(path) {
    const manager = await startServerManager(optionsOf(path));
    manager.on("message", (connection, message) => {
      const data = message.type === JSON_TYPE ? JSON.stringify(message.json()) : message.data;
      void connection.write(message.type, data);
    });
  },
  async connect(path) {
    const client = await startClient(optionsOf(path));
    const waiting: ((value: unknown) => void)[] = [];
    client.on("message", (message) => waiting.shift()?.(message.type === JSON_TYPE ? message.json() : message.data));
    return {
      echo(value: Value) {
        if (value instanceof Uint8Array) void client.write(BYTES_TYPE, value);
        else void client.write(JSON_TYPE, JSON.stringify(value));
        return new Promise((resolve) => waiting.push(resolve));
      },
      close: () => client.close(),
    };
  },
};
