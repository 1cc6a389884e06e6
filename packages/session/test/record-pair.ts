import { deriveSessionKeys, RECORD_KIND, type RecordCipherOptions, RecordOpener, RecordSealer } from "@ipc/crypto";
import { RecordCodec } from "../src/codec/record-codec.js";
import { ANONYMOUS_SECURITY } from "../src/security.js";

/** The two ends of a secure session, client and server, whose AUTHs have been exchanged. */
export function recordPair(options: RecordCipherOptions = {}): [client: RecordCodec, server: RecordCodec] {
  // Anew for each use: a sealer takes its keys for itself.
  const keys = (): ReturnType<typeof deriveSessionKeys> => deriveSessionKeys(new Uint8Array(32), new Uint8Array(48));
  const [fromClient, fromServer] = [new RecordSealer(keys().client, options), new RecordSealer(keys().server, options)];
  const [atServer, atClient] = [new RecordOpener(keys().client, options), new RecordOpener(keys().server, options)];
  const kind = RECORD_KIND.auth;
  atServer.open({ kind, sealed: fromClient.seal(kind).subarray(4) });
  atClient.open({ kind, sealed: fromServer.seal(kind).subarray(4) });
  return [
    new RecordCodec(fromClient, atClient, ANONYMOUS_SECURITY),
    new RecordCodec(fromServer, atServer, ANONYMOUS_SECURITY),
  ];
}

/** The records in these bytes, in order: `kind:length of the plaintext`. Fails where they are cut. */
export function recordsIn(bytes: Uint8Array): string[] {
  const buffer = Buffer.from(bytes);
  const records: string[] = [];
  let at = 0;
  while (at < buffer.length) {
    const length = buffer.readUIntBE(at + 1, 3);
    records.push(`${buffer[at]}:${length - 16}`);
    at += 4 + length;
  }
  if (at !== buffer.length)
    throw new Error(`the last record is cut: ${at} bytes are announced, ${buffer.length} are here`);
  return records;
}
