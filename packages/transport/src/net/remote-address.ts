import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { hostPort } from "../endpoint.js";

/**
 * Returns who is at the other end: `127.0.0.1:54321` for a TCP socket, else `fallback`. Ask early: a socket that is
 * closed has forgotten it.
 */
export function remoteOf(stream: Duplex, fallback: string): string {
  if (!(stream instanceof Socket)) return fallback;
  const { remoteAddress, remotePort } = stream;
  return remoteAddress === undefined || remotePort === undefined ? fallback : hostPort(remoteAddress, remotePort);
}
