import { parseDuration } from "../duration.js";
import { grouped, type Option, single, toggle, type Values } from "./option.js";

const text = (value: string): string => value;

/** The options of every command. */
export const OUTPUT_OPTIONS = grouped("Output", {
  json: toggle("--json", "print JSON Lines"),
  raw: toggle("--raw", "print payloads only, a newline after each message"),
  quiet: toggle("-q, --quiet", "print data and errors only"),
  verbose: toggle("-v, --verbose", "print what happens on the way"),
  noColor: toggle("--no-color", "print without colours"),
});

/** How an address and its keys are named; of every command that connects or listens. */
export const CONNECTION_OPTIONS = {
  ...grouped("Address", {
    directory: single("-d, --directory <dir>", "the sockets' directory; user: your private one (default: /tmp)", text),
    tcp: single("--tcp <host:port>", "TCP instead of a socket file", text),
    nats: single("--nats <url>", "a NATS broker instead of a socket file", text),
  }),
  ...grouped("Security", {
    pskFile: single("--psk-file <file>", "pre-shared key: 32 bytes, in hex or base64 too", text),
    keyFile: optionalPath("--key-file [file]", "the server's key file (default: its private one)"),
    identity: single("--identity <file>", "own Ed25519 private key, PEM", text),
    trust: single("--trust <file>", "Ed25519 public keys of trusted peers, PEM", text),
    plain: toggle("--plain", "no encryption"),
    golangIpc: toggle("--golang-ipc", "golang-ipc's protocol only"),
  }),
  timeout: single(
    "--timeout <time>",
    "wait so long for the server and for each answer (default: fail at once, 5s)",
    parseDuration,
  ),
};

/** The options of commands that connect. */
export const CLIENT_OPTIONS = {
  ...CONNECTION_OPTIONS,
  ...grouped("Address", {
    multiClient: toggle("--multi-client", "request an id, as golang-ipc's MultiClient"),
  }),
};

export type ConnectionOptions = Values<typeof CONNECTION_OPTIONS>;
export type ClientOptions = Values<typeof CLIENT_OPTIONS>;

/** Makes an option whose path may be left out: true then. */
function optionalPath(form: string, summary: string): Option<true | string | undefined> {
  return { form, summary, read: (given) => (typeof given === "object" ? given[given.length - 1] : given) };
}
