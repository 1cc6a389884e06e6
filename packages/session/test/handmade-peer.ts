import { createCipheriv, createHmac, type KeyObject } from "node:crypto";
import type { Duplex } from "node:stream";
import {
  type DirectionKeys,
  deriveMessageKey,
  deriveSessionKeys,
  deriveSharedSecret,
  generateKeyPair,
  hashTranscript,
  importPsk,
  MessageCipher,
  makeAuth,
  PUBLIC_KEY_BYTES,
  type SessionKeys,
} from "@ipc/crypto";
import { ExactReader } from "../src/handshake/exact-reader.js";

type Side = "client" | "server";

export interface HandmadeOptions {
  /** The first byte of a client's select. @default 80 */
  readonly select?: number;
  /** Bytes 4 … 11 of a server's limits; features, name and instance are zero. @default an offer without keys */
  readonly offer?: string;
  readonly psk?: Uint8Array;
  /** Has the feature of control frames. @default false */
  readonly controlFrames?: boolean;
  /** Sets features and zero bytes that no version knows yet, and sends bytes behind a server's offer. @default false */
  readonly unknown?: boolean;
}

const HELLO = Uint8Array.of(2, 1);
const OK = Uint8Array.of(0);
/** Features and zero bytes that no version knows yet. */
const UNKNOWN = "f000ffff";
/** The feature of control frames alone. */
const CONTROL_FRAMES = "00010000";

/** One end of a secure session that says what a test tells it to, sealed as it should be, and in whatever order. */
export class HandmadePeer {
  readonly #side: Side;
  readonly #stream: Duplex;
  readonly #keys: SessionKeys;
  readonly transcriptHash: Uint8Array;
  #seq = 0;

  private constructor(side: Side, stream: Duplex, keys: SessionKeys, transcriptHash: Uint8Array) {
    this.#side = side;
    this.#stream = stream;
    this.#keys = keys;
    this.transcriptHash = transcriptHash;
  }

  /** Plays a client up to its select, which it has sent; its AUTH it has not. */
  static async client(
    stream: Duplex,
    { select = 0x80, psk, controlFrames = false, unknown = false }: HandmadeOptions = {},
  ): Promise<HandmadePeer> {
    stream.on("error", () => {});
    const reader = new ExactReader(stream);
    const hello = await reader.read(2, "hello");
    const pair = await generateKeyPair();
    stream.write(OK);
    stream.write(pair.publicKey);
    const serverPublicKey = await reader.read(PUBLIC_KEY_BYTES, "key");
    const length = Buffer.from(await reader.read(4, "length"));
    const limits = Buffer.concat([length, await reader.read(length.readUInt32BE(), "limits")]);
    const behind = `${featuresOf(controlFrames, unknown)}00300000`;
    const selected = Buffer.concat([Uint8Array.of(select), Buffer.from(behind, "hex")]);
    stream.write(selected);
    const transcriptHash = hashTranscript({
      hello,
      reply: OK,
      clientPublicKey: pair.publicKey,
      serverPublicKey,
      limits,
      select: selected,
    });
    const keys = keysOf(pair.privateKey, serverPublicKey, transcriptHash, psk);
    reader.release();
    stream.resume();
    return new HandmadePeer("client", stream, keys, transcriptHash);
  }

  /** Plays a server up to the client's AUTH, which it has read; its own it has not sent. */
  static async server(
    stream: Duplex,
    { offer = "4950435801000000", psk, controlFrames = false, unknown = false }: HandmadeOptions = {},
  ): Promise<HandmadePeer> {
    stream.on("error", () => {});
    const reader = new ExactReader(stream);
    const pair = await generateKeyPair();
    stream.write(HELLO);
    const reply = await reader.read(1, "reply");
    stream.write(pair.publicKey);
    const clientPublicKey = await reader.read(PUBLIC_KEY_BYTES, "key");
    const cipher = new MessageCipher(deriveMessageKey(deriveSharedSecret(pair.privateKey, clientPublicKey)));
    const behind = featuresOf(controlFrames, unknown) + "00".repeat(32) + (unknown ? "ee".repeat(100) : "");
    const body = cipher.seal(Buffer.from(`00300000${offer}${behind}`, "hex"));
    const limits = Buffer.concat([Buffer.of(0, 0, 0, body.length), body]);
    stream.write(limits);
    const select = await reader.read(9, "select");
    const header = Buffer.from(await reader.read(4, "header"));
    await reader.read(header.readUIntBE(1, 3), "AUTH");
    const transcriptHash = hashTranscript({
      hello: HELLO,
      reply,
      clientPublicKey,
      serverPublicKey: pair.publicKey,
      limits,
      select,
    });
    const keys = keysOf(pair.privateKey, clientPublicKey, transcriptHash, psk);
    reader.release();
    stream.resume();
    return new HandmadePeer("server", stream, keys, transcriptHash);
  }

  /** Seals a record of any kind and length, and sends it. */
  say(kind: number, plaintext: Uint8Array = new Uint8Array(0)): void {
    this.write(this.seal(kind, plaintext));
  }

  /** Sends bytes as they are. */
  write(bytes: Uint8Array): void {
    this.#stream.write(bytes);
  }

  /** Ends the stream. */
  end(): void {
    this.#stream.end();
  }

  /** Seals the next record of this side, and uses up its number. */
  seal(kind: number, plaintext: Uint8Array): Buffer {
    const { key, iv } = this.#own;
    const header = Buffer.alloc(4);
    header.writeUInt8(kind);
    header.writeUIntBE(plaintext.length + 16, 1, 3);
    const nonce = Buffer.from(iv);
    nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ this.#seq++) >>> 0, 8);
    const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: 16 }).setAAD(header);
    return Buffer.concat([header, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  }

  /** The body of an AUTH as it should be. */
  auth(identity?: KeyObject): Uint8Array {
    return makeAuth({ role: this.#side, key: this.#own.auth, transcriptHash: this.transcriptHash }, identity);
  }

  /** The body of an AUTH with whatever id, its HMAC right. */
  authOver(id: Uint8Array): Uint8Array {
    return Buffer.concat([createHmac("sha256", this.#own.auth).update(this.transcriptHash).update(id).digest(), id]);
  }

  get #own(): DirectionKeys {
    return this.#keys[this.#side];
  }
}

/** The features and the two bytes behind them, in hex. */
function featuresOf(controlFrames: boolean, unknown: boolean): string {
  if (unknown) return UNKNOWN;
  return controlFrames ? CONTROL_FRAMES : "00000000";
}

function keysOf(
  privateKey: KeyObject,
  publicKey: Uint8Array,
  transcriptHash: Uint8Array,
  psk: Uint8Array | undefined,
): SessionKeys {
  const x = deriveSharedSecret(privateKey, publicKey);
  return deriveSessionKeys(transcriptHash, x, psk === undefined ? undefined : importPsk(psk));
}
