import { createHmac, type KeyObject } from "node:crypto";
import type { Duplex } from "node:stream";
import {
  type AuthBinding,
  deriveMessageKey,
  deriveSessionKeys,
  deriveSharedSecret,
  generateKeyPair,
  hashTranscript,
  importPsk,
  type KeyPair,
  MessageCipher,
  makeAuth,
  PUBLIC_KEY_BYTES,
  RECORD_KIND,
  RecordOpener,
  RecordSealer,
} from "@ipc/crypto";
import { memoryPair } from "@ipc/transport";
import { ExactReader } from "../src/handshake/exact-reader.js";

export interface ImpersonatorOptions {
  /** Rewrites the plaintext of the server's limits for the client. @default as it is */
  readonly limits?: (plaintext: Buffer) => Uint8Array;
  /** A pre-shared key that it knows, or guesses. */
  readonly psk?: Uint8Array;
  /** An identity of its own, for a side that asks for one. */
  readonly identity?: KeyObject;
  /** Passes on the id, a key and a signature, that the other side has sent. */
  readonly passesIdsOn?: boolean;
}

/** What it shares with one side. */
interface Face {
  readonly reader: ExactReader;
  readonly pair: KeyPair;
  readonly theirs: Uint8Array;
  readonly x: Uint8Array;
  readonly cipher: MessageCipher;
}

const NO_ID = new Uint8Array(0);

/**
 * An attacker between a client and a server that makes an exchange of its own with each: golang-ipc's handshake alone
 * cannot detect it.
 */
export class Impersonator {
  /** For a client. */
  readonly client: Duplex;
  /** For a server. */
  readonly server: Duplex;
  /** What it has read of the client's DATA. */
  readonly read: Buffer[] = [];
  readonly #toClient: Duplex;
  readonly #toServer: Duplex;
  readonly #options: ImpersonatorOptions;

  constructor(options: ImpersonatorOptions = {}) {
    [this.client, this.#toClient] = memoryPair();
    [this.server, this.#toServer] = memoryPair();
    this.#options = options;
    for (const stream of [this.#toClient, this.#toServer]) stream.on("error", () => {});
  }

  /** Relays until one side leaves; then ends the other. */
  async work(): Promise<void> {
    try {
      await this.#work();
    } catch {
      // One of them has left.
    }
    this.#toClient.end();
    this.#toServer.end();
  }

  async #work(): Promise<void> {
    const [client, server] = [new ExactReader(this.#toClient), new ExactReader(this.#toServer)];
    const hello = await server.read(2, "hello");
    this.#toClient.write(hello);
    const reply = await client.read(1, "reply");
    this.#toServer.write(reply);
    const [withClient, withServer] = [await exchange(this.#toClient, client), await exchange(this.#toServer, server)];

    const length = Buffer.from(await server.read(4, "length"));
    const sealed = await server.read(length.readUInt32BE(), "limits");
    const plaintext = (this.#options.limits ?? ((same) => same))(Buffer.from(withServer.cipher.open(sealed)));
    const body = withClient.cipher.seal(plaintext);
    const limits = Buffer.concat([Buffer.of(0, 0, 0, body.length), body]);
    this.#toClient.write(limits);

    const first = await client.read(1, "select");
    if (first[0] === 0) {
      this.#toServer.write(first);
      await this.#overhear(withClient, withServer);
      return;
    }
    const select = Buffer.concat([first, await client.read(8, "the rest of the select")]);
    const atClient = hashTranscript({
      hello,
      reply,
      clientPublicKey: withClient.theirs,
      serverPublicKey: withClient.pair.publicKey,
      limits,
      select,
    });
    const atServer = hashTranscript({
      hello,
      reply,
      clientPublicKey: withServer.pair.publicKey,
      serverPublicKey: withServer.theirs,
      limits: Buffer.concat([length, sealed]),
      select,
    });
    const psk = this.#options.psk && importPsk(this.#options.psk);
    const keysAtClient = deriveSessionKeys(atClient, withClient.x, psk);
    const keysAtServer = deriveSessionKeys(atServer, withServer.x, psk);

    const mode = select[0] as number;
    const fromClient = new RecordOpener(keysAtClient.client);
    const clientId = await readId(client, fromClient);
    const toServer = new RecordSealer(keysAtServer.client);
    const asClient = this.#auth(
      { role: "client", key: keysAtServer.client.auth, transcriptHash: atServer },
      mode,
      clientId,
    );
    this.#toServer.write(Buffer.concat([select, toServer.seal(RECORD_KIND.auth, [asClient])]));
    const { passesIdsOn = false } = this.#options;
    const serverId = passesIdsOn ? await readId(server, new RecordOpener(keysAtServer.server)) : NO_ID;
    const toClient = new RecordSealer(keysAtClient.server);
    const asServer = this.#auth(
      { role: "server", key: keysAtClient.server.auth, transcriptHash: atClient },
      mode,
      serverId,
    );
    this.#toClient.write(toClient.seal(RECORD_KIND.auth, [asServer]));
    for (;;) {
      const data = fromClient.open({ kind: RECORD_KIND.data, sealed: await readRecord(client) });
      this.read.push(Buffer.from(data));
      this.#toServer.write(toServer.seal(RECORD_KIND.data, [data]));
    }
  }

  /** In golang-ipc's protocol: opens each frame and seals it anew. */
  async #overhear(withClient: Face, withServer: Face): Promise<void> {
    for (;;) {
      const length = Buffer.from(await withClient.reader.read(4, "length"));
      const data = withClient.cipher.open(await withClient.reader.read(length.readUInt32BE(), "body"));
      this.read.push(Buffer.from(data));
      const body = withServer.cipher.seal(data);
      this.#toServer.write(Buffer.concat([length, body]));
    }
  }

  /** An AUTH in the name of a side, with the id received from it, or with an id of its own. */
  #auth(binding: AuthBinding, mode: number, id: Uint8Array): Uint8Array {
    const { passesIdsOn = false, identity } = this.#options;
    const isSigned = (mode & (binding.role === "client" ? 0b100 : 0b010)) !== 0;
    if (!isSigned || !passesIdsOn) return makeAuth(binding, isSigned ? identity : undefined);
    const mac = createHmac("sha256", binding.key).update(binding.transcriptHash).update(id).digest();
    return Buffer.concat([mac, id]);
  }
}

async function exchange(stream: Duplex, reader: ExactReader): Promise<Face> {
  const pair = await generateKeyPair();
  stream.write(pair.publicKey);
  const theirs = await reader.read(PUBLIC_KEY_BYTES, "key");
  const x = deriveSharedSecret(pair.privateKey, theirs);
  return { reader, pair, theirs, x, cipher: new MessageCipher(deriveMessageKey(x)) };
}

async function readRecord(reader: ExactReader): Promise<Uint8Array> {
  const header = Buffer.from(await reader.read(4, "header"));
  return reader.read(header.readUIntBE(1, 3), "record");
}

/** The id in an AUTH; nothing where the attacker's keys are not the right ones. */
async function readId(reader: ExactReader, opener: RecordOpener): Promise<Uint8Array> {
  const sealed = await readRecord(reader);
  try {
    return opener.open({ kind: RECORD_KIND.auth, sealed }).subarray(32);
  } catch {
    return NO_ID;
  }
}
