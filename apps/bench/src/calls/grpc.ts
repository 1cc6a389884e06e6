import { promisify } from "node:util";
import { Client, credentials, Server, ServerCredentials } from "@grpc/grpc-js";
import type { CallContestant, Value } from "./contestant.js";

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

export const grpc: CallContestant = {
  hasBytes: true,
  async listen(path) {
    const server = new Server();
    server.addService(
      { echo, count },
      {
        echo: (call: { request: unknown }, done: (error: null, value: unknown) => void) => done(null, call.request),
        async count(call: {
          request: number;
          write(item: number): boolean;
          once(event: string, f: () => void): void;
          end(): void;
        }) {
          for (let at = 0; at < call.request; at++) {
            if (!call.write(at)) await new Promise<void>((resolve) => call.once("drain", resolve));
          }
          call.end();
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
      close: () => client.close(),
    };
  },
};
