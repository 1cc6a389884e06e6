/** p = 2^255 − 19, the prime of Curve25519. */
const P = 2n ** 255n - 19n;

/** The top bit of an encoded point is the sign of x, not part of y. */
const Y_MASK = 2n ** 255n - 1n;

/** y of two of the four points of order 8; −y belongs to the other two. */
const ORDER_8_Y = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;

/** y of the eight points whose order divides 8. The sign of x does not matter: the negative of such a point is another one. */
const SMALL_ORDER_Y: ReadonlySet<bigint> = new Set([1n, P - 1n, 0n, ORDER_8_Y, P - ORDER_8_Y]);

/**
 * Returns whether the 32 bytes of an Ed25519 public key are a point of small order, in any encoding, or a y that is not less than
 * p. Under a point of small order a signature made without a private key verifies for one message in eight, or more. No key
 * generator makes either.
 * @see RFC 8032, section 5.1.3, and RFC 7748, section 7
 */
export function isWeakIdentityKey(bytes: Uint8Array): boolean {
  const y = BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`) & Y_MASK;
  return y >= P || SMALL_ORDER_Y.has(y);
}
