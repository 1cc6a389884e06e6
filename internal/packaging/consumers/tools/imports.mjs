// Every kind of import that ESLint's default resolver has to find.
import { startClient } from "@ipc/client";
import { FrameDecoder } from "@ipc/framing";
import { startServerManager } from "@ipc/manager";
import { startServer } from "@ipc/server";
import { openSession } from "@ipc/session";
import { clientHandshake } from "@ipc/session/handshake";
import { memory } from "@ipc/transport";
import { ensureKeyFile } from "@ipc/transport/key-file";

export default [
  startClient,
  FrameDecoder,
  startServerManager,
  startServer,
  openSession,
  clientHandshake,
  memory,
  ensureKeyFile,
];
