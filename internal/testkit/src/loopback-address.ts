import { randomInt } from "node:crypto";

/** Linux answers for all of 127.0.0.0/8, other systems for its first address alone. */
const HAS_MANY = process.platform === "linux";

/**
 * Gives a loopback address that nothing else uses: a fixed port is free there, and a port that a server has closed stays free
 * for its next start. Two test runs on one machine do not meet.
 */
export function loopbackAddress(): string {
  if (!HAS_MANY) return "127.0.0.1";
  const byte = (): number => randomInt(1, 255);
  return `127.${byte()}.${byte()}.${byte()}`;
}
