import { parseDuration } from "../duration.js";
import { UsageError } from "../exit-code.js";
import { defaulted, integer, repeated, single, toggle } from "./option.js";
import { CLIENT_OPTIONS, CONNECTION_OPTIONS } from "./shared-options.js";

const MOST = 1_000_000_000;
const UINT32_MAX = 4_294_967_295;

const MAX_SIZE = 1_073_741_824;

const messageType = integer(1, UINT32_MAX);

export const LS_OPTIONS = {
  directory: CLIENT_OPTIONS.directory,
  probe: toggle("--probe", "connect to servers where the system does not list its sockets"),
};

export const PING_OPTIONS = {
  count: defaulted("-c, --count <n>", "how many times (default: 1)", integer(1, MOST), 1),
  interval: defaulted("-i, --interval <time>", "pause between two (default: 1s)", parseDuration, 1_000),
  ...CLIENT_OPTIONS,
};

export const SEND_OPTIONS = {
  type: defaulted("-t, --type <type>", "the type of the messages (default: 1)", messageType, 1),
  lines: toggle("--lines", "send each line as a message"),
  null: toggle("--null", "send what ends with a NUL as a message each"),
  wait: defaulted("--wait <n>", "print so many answers (default: 0)", integer(0, MOST), 0),
  ...CLIENT_OPTIONS,
};

export const LISTEN_OPTIONS = {
  count: single("-n, --count <n>", "end after so many messages", integer(1, MOST)),
  type: single("-t, --type <type>", "print messages of this type only", messageType),
  idle: single("--idle <time>", "end after so long without a message", parseDuration),
  reconnect: toggle("--reconnect", "go on with the next connection"),
  ...CLIENT_OPTIONS,
};

export const SERVE_OPTIONS = {
  echo: toggle("--echo", "answer each message with itself"),
  type: single("-t, --type <type>", "the type of the answers (default: that of the message)", messageType),
  count: single("-n, --count <n>", "end after so many messages", integer(1, MOST)),
  jobs: defaulted("-j, --jobs <n>", "commands at once (default: 8)", integer(1, 1_024), 8),
  ...CONNECTION_OPTIONS,
};

export const CALL_OPTIONS = {
  items: toggle("--items", "give each line of stdin as an item, in JSON"),
  oneWay: toggle("--one-way", "await no answer"),
  bytes: toggle("--bytes", "give the input as bytes, not as JSON"),
  meta: repeated("--meta <key=value>", "a string for the handler", parsePair),
  ...CLIENT_OPTIONS,
};

export const DESCRIBE_OPTIONS = {
  ts: toggle("--ts", "print a contract in TypeScript"),
  ...CLIENT_OPTIONS,
};

export const BENCH_OPTIONS = {
  count: defaulted("-n, --count <n>", "round trips (default: 10000)", integer(1, 10_000_000), 10_000),
  size: defaulted("-s, --size <bytes>", "bytes of a message (default: 64)", integer(0, MAX_SIZE), 64),
  window: defaulted("-w, --window <n>", "messages under way at once (default: 1)", integer(1, 65_536), 1),
  type: defaulted("-t, --type <type>", "the type of the messages (default: 1)", messageType, 1),
  ...CLIENT_OPTIONS,
};

export const KEY_OPTIONS = {
  kind: defaulted("-k, --kind <psk|identity>", "what to make (default: psk)", parseKind, "psk"),
  force: toggle("--force", "replace a file that exists"),
  secret: toggle("--secret", "print the secret key, too"),
};

function parseKind(text: string): "psk" | "identity" {
  if (text === "psk" || text === "identity") return text;
  throw new UsageError(`takes psk or identity, got ${JSON.stringify(text)}`);
}

function parsePair(text: string): readonly [key: string, value: string] {
  const at = text.indexOf("=");
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new UsageError(`takes key=value, got ${JSON.stringify(text)}`);
}
