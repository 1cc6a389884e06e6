import { createSecretKey, generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { type Credentials, clientMode, NO_CREDENTIALS, offerOf, withPsk } from "./credentials.js";
import { type ModeSelection, selectMode } from "./mode-selection.js";
import type { SecurityOffer } from "./offer.js";

const { privateKey } = generateKeyPairSync("ed25519");

/** The credentials of a client that is configured for these MODE bits. */
function clientOf(mode: number, more: Partial<Credentials> = {}): Credentials {
  return {
    ...NO_CREDENTIALS,
    psks: (mode & 1) === 0 ? [] : [createSecretKey(new Uint8Array(32))],
    trustedPeers: (mode & 2) === 0 ? undefined : [new Uint8Array(32)],
    identity: (mode & 4) === 0 ? undefined : privateKey,
    ...more,
  };
}

function serverOf(accept: number, more: Partial<Credentials> = {}): Credentials {
  return {
    ...NO_CREDENTIALS,
    psks: (accept & 1) === 0 ? [] : [createSecretKey(new Uint8Array(32))],
    identity: (accept & 2) === 0 ? undefined : privateKey,
    trustedPeers: (accept & 4) === 0 ? undefined : [new Uint8Array(32)],
    ...more,
  };
}

const choiceOf = (credentials: Credentials, more: Partial<ModeSelection> = {}): ModeSelection => ({
  name: "orders",
  credentials,
  encrypted: true,
  earlierMode: undefined,
  ...more,
});

const ALL = Array.from({ length: 8 }, (_, mode) => mode);
const anonymous: SecurityOffer = { accept: 0, require: 0, refusesCompatible: false };

function outcomeOf(offer: SecurityOffer | undefined, choice: ModeSelection): unknown {
  try {
    return selectMode(offer, choice);
  } catch (error) {
    return (error as { readonly code: string }).code;
  }
}

describe("a client and a server", () => {
  test("agree on everything that both are configured for when neither requires it", () => {
    for (const wanted of ALL) {
      for (const accepted of ALL) {
        const offer = offerOf(serverOf(accepted));
        expect(selectMode(offer, choiceOf(clientOf(wanted)))).toBe(wanted & accepted);
      }
    }
  });

  test("never agree on less than one of them requires", () => {
    for (const wanted of ALL) {
      for (const accepted of ALL) {
        const insisting = outcomeOf(offerOf(serverOf(accepted)), choiceOf(clientOf(wanted, { require: true })));
        expect(insisting).toBe((wanted & ~accepted) === 0 ? wanted : "IPC_SECURITY_REFUSED");
        const demanded = outcomeOf(offerOf(serverOf(accepted, { require: true })), choiceOf(clientOf(wanted)));
        expect(demanded).toBe((accepted & ~wanted) === 0 ? accepted : "IPC_SECURITY_REFUSED");
      }
    }
  });

  test("never agree on less than an earlier session had, even when neither requires it", () => {
    for (const earlierMode of ALL) {
      for (const accepted of ALL) {
        const choice = choiceOf(clientOf(7), { earlierMode });
        const outcome = (earlierMode & ~accepted) === 0 ? accepted : "IPC_SECURITY_REFUSED";
        expect(outcomeOf(offerOf(serverOf(accepted)), choice)).toBe(outcome);
      }
    }
  });

  test("have only the mode 0 without encryption", () => {
    for (const accept of ALL) {
      expect(selectMode({ ...anonymous, accept }, choiceOf(clientOf(7), { encrypted: false }))).toBe(0);
    }
  });
});

describe("a client selects golang-ipc's protocol", () => {
  test("when there is no offer", () => {
    for (const wanted of ALL) expect(selectMode(undefined, choiceOf(clientOf(wanted)))).toBeUndefined();
  });

  test("when it is configured for no other", () => {
    const golang = clientOf(0, { supportsSecure: false });
    for (const encrypted of [true, false]) {
      expect(selectMode(anonymous, choiceOf(golang, { encrypted }))).toBeUndefined();
    }
  });
});

describe("a client rejects, and reports the reason,", () => {
  const refused = (offer: SecurityOffer | undefined, choice: ModeSelection): Error & { code?: string } => {
    try {
      selectMode(offer, choice);
    } catch (error) {
      return error as Error;
    }
    throw new Error("it was not refused");
  };
  const insisting = clientOf(1, { require: true });

  test.each([
    [
      "no offer, where it insists on a secure session",
      undefined,
      choiceOf(insisting),
      "server `orders` offers only golang-ipc's protocol, and `security.require` demands a secure session; the server is golang-ipc, or a man in the middle removed the offer",
    ],
    [
      "no offer, where it was in a secure session before",
      undefined,
      choiceOf(clientOf(0), { earlierMode: 0 }),
      "server `orders` offers only golang-ipc's protocol, and an earlier session was secure; the server is golang-ipc, or a man in the middle removed the offer",
    ],
    [
      "no encryption, where it insists",
      anonymous,
      choiceOf(clientOf(0, { require: true }), { encrypted: false }),
      "server `orders` offers no encryption, and this client requires a secure session",
    ],
    [
      "no encryption, where it was in a secure session before",
      anonymous,
      choiceOf(clientOf(0), { encrypted: false, earlierMode: 0 }),
      "server `orders` offers no encryption, and this client requires a secure session",
    ],
    [
      "an offer without what it insists on",
      anonymous,
      choiceOf(clientOf(7, { require: true })),
      "server `orders` does not accept a pre-shared key and the server's signature and the client's signature, which `security.require` demands",
    ],
    [
      "an offer without what it had before",
      { accept: 1, require: 0, refusesCompatible: false },
      choiceOf(clientOf(7), { earlierMode: 7 }),
      "server `orders` does not accept the server's signature and the client's signature, which an earlier session had; it is another server, or a man in the middle",
    ],
    [
      "an offer that demands what it does not have",
      { accept: 1, require: 1, refusesCompatible: true },
      choiceOf(clientOf(0)),
      "server `orders` requires a pre-shared key; give this client the key for it",
    ],
    [
      "a server that refuses the only protocol that it speaks",
      { accept: 0, require: 0, refusesCompatible: true },
      choiceOf(clientOf(0, { supportsSecure: false })),
      'server `orders` rejects golang-ipc\'s protocol; leave `security.wire` at "auto"',
    ],
  ] as const)("%s", (_what, offer, choice, message) => {
    expect(refused(offer, choice)).toMatchObject({ name: "SessionError", code: "IPC_SECURITY_REFUSED", message });
  });
});

describe("credentials", () => {
  test("are offered as the abilities of the server, and all required when it requires them", () => {
    for (const accept of ALL) {
      expect(offerOf(serverOf(accept))).toEqual({ accept, require: 0, refusesCompatible: false });
      expect(offerOf(serverOf(accept, { require: true }))).toEqual({
        accept,
        require: accept,
        refusesCompatible: true,
      });
      expect(offerOf(serverOf(accept, { supportsSecure: false }))).toBeUndefined();
      expect(clientMode(clientOf(accept))).toBe(accept);
    }
  });

  test("are empty and require nothing for a side without keys", () => {
    expect(clientMode(NO_CREDENTIALS)).toBe(0);
    expect(offerOf(NO_CREDENTIALS)).toEqual(anonymous);
    expect([Object.isFrozen(NO_CREDENTIALS), Object.isFrozen(NO_CREDENTIALS.psks)]).toEqual([true, true]);
  });

  test("accept one more pre-shared key, which is tried last, and leave the earlier ones unchanged", () => {
    const before = serverOf(1, { require: true });
    const bytes = new Uint8Array(32).fill(7);
    const after = withPsk(before, bytes);
    bytes.fill(0);
    expect(after.psks.map((psk) => psk.export()[0])).toEqual([0, 7]);
    expect(after.require).toBe(true);
    expect(before.psks).toHaveLength(1);
    expect([Object.isFrozen(after), Object.isFrozen(after.psks)]).toEqual([true, true]);
    expect(() => withPsk(before, new Uint8Array(31))).toThrow(RangeError);
  });
});
