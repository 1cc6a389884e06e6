import { createSecretKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { encodeIdentityKey, importPsk } from "@ipc/crypto";
import { assert, boolean, option, property, subarray } from "fast-check";
import { describe, expect, test } from "vitest";
import type { ProvedKeys } from "../security.js";
import { type Credentials, NO_CREDENTIALS } from "./credentials.js";
import { MODE } from "./offer.js";
import { assertStillAccepted, NO_PROOF, withdrawalError } from "./proved-keys.js";

const BYTES = [1, 2, 3].map((fill) => new Uint8Array(32).fill(fill));
const PSKS = BYTES.map(importPsk);
const PAIRS = BYTES.map(() => generateKeyPairSync("ed25519"));
const IDENTITIES = PAIRS.map(({ publicKey }) => encodeIdentityKey(publicKey));

const withKeys = (keys: Partial<Credentials>): Credentials => ({ ...NO_CREDENTIALS, ...keys });
const proving = (keys: Partial<ProvedKeys>): ProvedKeys => ({ ...NO_PROOF, ...keys });
const [psk, otherPsk] = PSKS as [KeyObject, KeyObject];
const [identity, otherIdentity] = IDENTITIES as [Uint8Array, Uint8Array];

describe("a client's keys are withdrawn", () => {
  test("unless each key that it has proved is still among the server's, in any order and as another object", () => {
    const copy = createSecretKey(new Uint8Array(32).fill(1));
    assert(
      property(
        subarray(PSKS),
        subarray(IDENTITIES),
        option(subarray(PSKS, { minLength: 1, maxLength: 1 })),
        option(subarray(IDENTITIES, { minLength: 1, maxLength: 1 })),
        boolean(),
        (psks, trusted, provedPsk, provedIdentity, copies) => {
          const proved = { psk: provedPsk?.[0], identity: provedIdentity?.[0] };
          const kept = copies ? psks.map((each) => (each === psk ? copy : each)) : psks;
          const credentials = withKeys({
            psks: kept.toReversed(),
            trustedPeers: trusted.length === 0 ? undefined : trusted.map((key) => Uint8Array.from(key)),
          });
          const has =
            (proved.psk === undefined || psks.includes(proved.psk)) &&
            (proved.identity === undefined || trusted.includes(proved.identity));
          expect(withdrawalError(proved, credentials)?.code).toBe(has ? undefined : "IPC_SECURITY_REFUSED");
        },
      ),
    );
  });

  test.each([
    [{ psk }, "the pre-shared key of this client was withdrawn by `updateSecurity`"],
    [{ identity }, "the public key of this client was withdrawn by `updateSecurity`"],
  ])("with an error that names the key: %#", (proved, message) => {
    const error = withdrawalError(proving(proved), withKeys({ psks: [otherPsk], trustedPeers: [otherIdentity] }));
    expect(error?.message).toContain(message);
  });
});

describe("a handshake during which the server's keys are replaced", () => {
  const started = withKeys({ psks: [psk], require: true });
  const owned = withKeys({ identity: PAIRS[0]?.privateKey });

  test.each<[string, Credentials, number | undefined, ProvedKeys, Credentials]>([
    ["the key that it used stays", started, MODE.psk, proving({ psk }), withKeys({ psks: [otherPsk, psk] })],
    ["it used none, and none is required", withKeys({}), 0, NO_PROOF, withKeys({ psks: [psk] })],
    ["it is golang-ipc's, and that is allowed", withKeys({}), undefined, NO_PROOF, withKeys({ psks: [psk] })],
    ["the server signed with an identity that stays", owned, MODE.serverSigns, NO_PROOF, withKeys({ ...owned })],
    ["the server has not signed", owned, 0, NO_PROOF, withKeys({ identity: PAIRS[1]?.privateKey })],
  ])("completes if %s", (_if, before, mode, keys, current) => {
    assertStillAccepted(current, { started: before, mode, keys });
  });

  test.each<[string, Credentials, number | undefined, ProvedKeys, Partial<Credentials>, string]>([
    [
      "the key that it used is withdrawn",
      started,
      MODE.psk,
      proving({ psk }),
      { psks: [otherPsk] },
      "the pre-shared key of this client was withdrawn",
    ],
    [
      "it proves less than is now required",
      withKeys({}),
      0,
      NO_PROOF,
      { psks: [psk], require: true },
      "now a pre-shared key is required",
    ],
    [
      "it is golang-ipc's, and a secure session is now required",
      withKeys({}),
      undefined,
      NO_PROOF,
      { require: true },
      "now a secure session is required",
    ],
    [
      "the server would sign with an identity that was replaced",
      owned,
      MODE.serverSigns,
      NO_PROOF,
      { identity: PAIRS[1]?.privateKey },
      "the server has another identity, or none",
    ],
    [
      "the server would sign with an identity that was withdrawn",
      owned,
      MODE.serverSigns,
      NO_PROOF,
      {},
      "the server has another identity, or none",
    ],
  ])("is rejected if %s", (_if, before, mode, keys, current, message) => {
    expect(() => assertStillAccepted(withKeys(current), { started: before, mode, keys })).toThrow(
      expect.objectContaining({ code: "IPC_SECURITY_REFUSED", message: expect.stringContaining(message) }),
    );
  });
});
