// Every kind of import that ESLint's default resolver has to find.
import { startClient } from "@ipc/client";
import { generateKeyPair } from "@ipc/crypto";
import { FrameDecoder } from "@ipc/framing";
import { startServerManager } from "@ipc/manager";
import { method } from "@ipc/rpc";
import { jsonRpcOver } from "@ipc/rpc/json-rpc";
import { startServer } from "@ipc/server";
import { openSession } from "@ipc/session";
import { clientHandshake } from "@ipc/session/handshake";
import { memory } from "@ipc/transport";
import { ensureKeyFile } from "@ipc/transport/key-file";
import { nats } from "@ipc/transport-nats";

export default [
  startClient,
  generateKeyPair,
  FrameDecoder,
  startServerManager,
  method,
  jsonRpcOver,
  startServer,
  openSession,
  clientHandshake,
  memory,
  ensureKeyFile,
  nats,
];
