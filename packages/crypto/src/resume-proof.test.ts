import { createHmac, createSecretKey } from "node:crypto";
import { describe, expect, it } from "vitest";
import { deriveResumeKeys, makeResumeProof, type ResumeBinding, verifyResumeProof } from "./resume-proof.js";

const exporter = createSecretKey(new Uint8Array(32).fill(1));
const transcriptHash = new Uint8Array(32).fill(2);
const data = Uint8Array.of(5, 6, 7);

/** HKDF-Expand of one block, as RFC 5869 has it. */
const expandOnce = (info: string): Buffer => createHmac("sha256", exporter).update(info).update("\x01").digest();

describe("the keys of a resumable session", () => {
  it("are expanded from the exporter, each with a label of its own", () => {
    const { id, key } = deriveResumeKeys(exporter);
    expect(Buffer.from(id)).toEqual(expandOnce("ipcx/1 resume id").subarray(0, 16));
    expect(key.export()).toEqual(expandOnce("ipcx/1 resume key"));
  });
});

describe("a proof of a resumable session", () => {
  const { key } = deriveResumeKeys(exporter);
  const binding: ResumeBinding = { role: "client", key, transcriptHash };
  const proof = makeResumeProof(binding, data);

  it("is HMAC-SHA256 over the sender's label, the transcript's hash and the data", () => {
    const expected = (label: string): Buffer =>
      createHmac("sha256", key).update(label).update(transcriptHash).update(data).digest();
    expect(Buffer.from(proof)).toEqual(expected("ipcx/1 resume c"));
    expect(Buffer.from(makeResumeProof({ ...binding, role: "server" }, data))).toEqual(expected("ipcx/1 resume s"));
  });

  it("is valid for its side, connection, session and data only", () => {
    expect(verifyResumeProof(binding, data, proof)).toBe(true);
    const others: readonly [ResumeBinding, Uint8Array][] = [
      [{ ...binding, role: "server" }, data],
      [{ ...binding, transcriptHash: new Uint8Array(32).fill(3) }, data],
      [{ ...binding, key: createSecretKey(new Uint8Array(32).fill(4)) }, data],
      [binding, Uint8Array.of(5, 6, 8)],
    ];
    for (const [other, bytes] of others) expect(verifyResumeProof(other, bytes, proof)).toBe(false);
  });

  it("is invalid with another length", () => {
    expect(verifyResumeProof(binding, data, proof.subarray(0, 31))).toBe(false);
    expect(verifyResumeProof(binding, data, new Uint8Array(0))).toBe(false);
  });
});
