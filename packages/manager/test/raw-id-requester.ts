import { type Endpoint, memory, type Transport } from "@ipc/transport";
import { expect, onTestFinished } from "vitest";
import { nextHandshakes } from "../../../internal/testkit/src/next-handshake.js";
import { plainFrame, RawPeer } from "../../../internal/testkit/src/raw-peer.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import { type ServerManager, startServerManager } from "../src/server-manager.js";

/** What all managers of these tests are called. */
export const name = "orders";

/** A request for a client id as it goes over the wire. */
export const REQUEST: Uint8Array = plainFrame(12, "client_id_request");

/** A manager without encryption, whose deadline is 5 s. */
export async function start(transport: Transport = memory()): Promise<{ manager: ServerManager; world: Transport }> {
  const manager = await startServerManager({ name, transport, encryption: false, handshakeTimeoutMs: 5_000 });
  return { manager: untilTestEnds(manager), world: transport };
}

/** Connects, byte by byte; cut when the test is over. */
export async function dial(world: Transport, endpoint: Endpoint): Promise<RawPeer> {
  const stream = await world.dial(name, endpoint, {});
  onTestFinished(() => void stream.destroy());
  return new RawPeer(stream);
}

/** Connects to the manager endpoint, and waits until the handshake is complete on both sides. */
export async function comeToAsk(world: Transport): Promise<RawPeer> {
  const arrived = nextHandshakes(name);
  const request = await dial(world, { kind: "manager" });
  await request.join();
  await arrived;
  return request;
}

/** Reads an answer: one message of type 12 that holds a u32. */
export async function readId(request: RawPeer): Promise<number> {
  const answer = await request.read(12);
  expect(answer.subarray(0, 8)).toEqual(Buffer.of(0, 0, 0, 8, 0, 0, 0, 12));
  return answer.readUInt32BE(8);
}

/** Connects and asks for an id; returns the connection and the id. */
export async function ask(world: Transport): Promise<{ request: RawPeer; id: number }> {
  const request = await comeToAsk(world);
  request.stream.write(REQUEST);
  return { request, id: await readId(request) };
}

/** Expects that a slot listens: its listener sends a hello. */
export async function expectListening(world: Transport, id: number): Promise<void> {
  expect(await (await dial(world, { kind: "slot", id })).read(2)).toEqual(Buffer.of(2, 0));
}

/** Expects that a slot no longer listens. */
export async function expectFreed(world: Transport, id: number): Promise<void> {
  await expect(world.dial(name, { kind: "slot", id }, {})).rejects.toMatchObject({ code: "IPC_NO_SERVER" });
}
