import { once } from "node:events";
import { createServer } from "node:net";
import { describe } from "vitest";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { type TransportEnds, testTransport } from "../../../internal/testkit/src/transport-compliance.js";
import { memory } from "./memory/memory.js";
import { tcp } from "./net/tcp.js";
import type { Endpoint, Transport } from "./transport.js";
import { unixSocket } from "./unix/unix-socket.js";

const NAME: Endpoint = { kind: "name" };

function endsOf(transport: Transport): TransportEnds {
  return {
    listen: (onStream, options) => transport.listen("orders", NAME, onStream, options),
    dial: (options) => transport.dial("orders", NAME, options),
    listenAt: (name) => transport.listen(name, NAME, () => {}, {}),
    dialAt: (name) => transport.dial(name, NAME, {}),
  };
}

/** Returns a port that no other process is likely to take meanwhile. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { readonly port: number };
  server.close();
  await once(server, "close");
  return port;
}

describe("memory", () => testTransport(() => endsOf(memory())));
describe("unixSocket", () => testTransport(() => endsOf(unixSocket({ directory: temporaryDirectory() }))));
describe("tcp", () => testTransport(async () => endsOf(tcp({ port: await freePort() }))));
