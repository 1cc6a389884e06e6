import { type EventEmitter, once } from "node:events";
import { promisify } from "node:util";
import { Client, credentials, Server, ServerCredentials } from "@grpc/grpc-js";
import { BLOCK, type CallContestant, type Value } from "./contestant.js";

/** Values as JSON, so that every contestant sends the same ones; bytes as they are. */
const toBytes = (value: unknown): Buffer =>
  value instanceof Uint8Array ? Buffer.concat([Buffer.of(1), value]) : Buffer.from(` ${JSON.stringify(value)}`);
const fromBytes = (bytes: Buffer): unknown => (bytes[0] === 1 ? bytes.subarray(1) : JSON.parse(bytes.toString()));
const codec = {
  requestSerialize: toBytes,
  requestDeserialize: fromBytes,
  responseSerialize: toBytes,
  responseDeserialize: fromBytes,
};
const echo = { ...codec, path: "/bench/echo", requestStream: false, responseStream: false };
const count = { ...codec, path: "/bench/count", requestStream: false, responseStream: true };

const blocks = { ...codec, path: "/bench/blocks", requestStream: false, responseStream: true };

/** A call of the server that gives items. */
interface ItemCall extends EventEmitter {
  readonly request: number;
  readonly cancelled: boolean;
  write(item: unknown): boolean;
  end(): void;
}

export const grpc: CallContestant = {
  hasBytes: true,
  async listen(path) {
    const server = new Server();
    server.addService(
      { echo, count, blocks },
      {
        echo: (call: { request: unknown }, done: (error: null, value: unknown) => void) => done(null, call.request),
        async count(call: ItemCall) {
          for (let at = 0; at < call.request; at++) if (!call.write(at)) await once(call, "drain");
          call.end();
        },
        async blocks(call: ItemCall) {
          const cancelled = once(call, "cancelled");
          while (!call.cancelled) if (!call.write(BLOCK)) await Promise.race([once(call, "drain"), cancelled]);
        },
      },
    );
    await promisify(server.bindAsync.bind(server))(`unix:${path}`, ServerCredentials.createInsecure());
  },
  async connect(path) {
    const client = new Client(`unix:${path}`, credentials.createInsecure());
    return {
      echo: (value: Value) =>
        new Promise((resolve, reject) => {
          client.makeUnaryRequest(echo.path, toBytes, fromBytes, value, (error, answer) =>
            error === null ? resolve(answer) : reject(error),
          );
        }),
      async count(items) {
        let counted = 0;
        for await (const _item of client.makeServerStreamRequest(count.path, toBytes, fromBytes, items)) counted++;
        return counted;
      },
      async stall() {
        const items = client.makeServerStreamRequest(blocks.path, toBytes, fromBytes, 0);
        items.on("error", () => {});
        await once(items, "readable");
        items.read();
        return { leave: () => items.cancel() };
      },
      close: () => client.close(),
    };
  },
};
