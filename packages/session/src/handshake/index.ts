// Entry point @ipc/session/handshake: the handshakes as generators, and the function that runs one over a stream.
export type { HandshakeOutcome, MessageCodec } from "../codec/codec.js";
export type { Credentials } from "../negotiation/credentials.js";
export { createInstanceId } from "../negotiation/offer.js";
export { noteArrival } from "../scheduling/cpu-queue.js";
export { type ClientHandshakeOptions, clientHandshake } from "./client-handshake.js";
export { BUSY_HELLO } from "./hello.js";
export { KeyPairPool } from "./key-pair-pool.js";
export { type HandshakeProgress, type HandshakeResult, type HandshakeRun, runHandshake } from "./run-handshake.js";
export { type ServerHandshakeOptions, type ServerResume, serverHandshake } from "./server-handshake.js";
export { type Handshake, type HandshakeAnswer, type HandshakeStep, STAGE } from "./steps.js";
