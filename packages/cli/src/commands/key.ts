import { statSync } from "node:fs";
import { type ExitCode, UsageError } from "../exit-code.js";
import { makeKey } from "../key/new-key.js";
import { readKeys, type StoredKey } from "../key/stored-key.js";
import type { Invocation } from "../options/command.js";
import type { KEY_OPTIONS } from "../options/command-options.js";
import type { Values } from "../options/option.js";
import { visible } from "../output/visible-text.js";

type Key = Invocation<Values<typeof KEY_OPTIONS>>;

const KINDS = { psk: "pre-shared key", identity: "identity", public: "public key" } as const;
const [MODE_BITS, GROUP_AND_OTHERS] = [0o777, 0o077];

/** `ipc key new|show FILE`: makes a key, or tells its fingerprint and its public key. Prints a secret only with `--secret`. */
export async function run({ args, options, output }: Key): Promise<ExitCode | undefined> {
  const [action, path] = args;
  if (path === undefined) throw new UsageError("the file of the key is missing");
  if (action === "new") await print(path, makeKey(options.kind, path, options.force), { options, output });
  else if (action === "show") for (const key of readKeys(path)) await print(path, key, { options, output });
  else throw new UsageError(`ipc key takes new or show, got ${JSON.stringify(action)}`);
  return undefined;
}

async function print(path: string, key: StoredKey, { options, output }: Pick<Key, "options" | "output">) {
  const { kind, publicKey, fingerprint, pem } = key;
  const secret = options.secret ? key.secret : null;
  const mode = statSync(path).mode & MODE_BITS;
  if (kind !== "public" && (mode & GROUP_AND_OTHERS) !== 0 && process.platform !== "win32") {
    output.note(`${path} has mode 0${mode.toString(8)}, so other users may know the key; make another one`);
  }
  if (output.format === "json") {
    return output.json({ path, kind, publicKey, fingerprint, pem, ...(options.secret && { secret }) });
  }
  if (output.format === "raw") return output.bytes(secret ?? pem ?? "");
  const named = publicKey === null ? "" : `, ${output.style("bold", publicKey)}`;
  await output.line(`${visible(path)}: ${KINDS[kind]}${named}, fingerprint ${fingerprint}`);
  if (secret !== null) await output.line(secret.trimEnd());
}
