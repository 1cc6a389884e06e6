import { memory } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import { failureOf } from "./peer-watch.js";

/** An option, a value that it does not take, and what the error says. */
type Row = readonly [option: string, value: unknown, message: string];

/** The refusals of a start beside the wrong values of options that every peer has. */
export interface OwnRefusals {
  readonly wrongKind: readonly Row[];
  readonly outOfRange: readonly Row[];
  /** Options of other starts. */
  readonly unknown: readonly string[];
  /** Some of the options that it takes, as the error about an unknown one lists them. */
  readonly known: string;
  /** Options of a unix socket, with a value that is right. */
  readonly besideTransport: Readonly<Record<string, unknown>>;
}

const SIZE = "a whole number of bytes, 1024 … 1073741824";
const POLL = "`busyPollUs` takes a whole number of microseconds, 0 … 1000";
const LOGGER = "`logger` takes an object with the methods debug, info, warn, error";

const WRONG_KIND: readonly Row[] = [
  ["encryption", "yes", '`encryption` takes true or false, got "yes"'],
  ["encryption", null, "`encryption` takes true or false, got null"],
  ["maxMessageSize", "3", `\`maxMessageSize\` takes ${SIZE}, got "3"`],
  ["maxQueuedBytes", {}, `\`maxQueuedBytes\` takes ${SIZE}, got an object`],
  ["maxUnreadBytes", 5n, `\`maxUnreadBytes\` takes ${SIZE}, got 5`],
  ["busyPollUs", "50", `${POLL}, got "50"`],
  ["handshakeTimeoutMs", "5s", "`handshakeTimeoutMs` takes a whole number of milliseconds"],
  ["signal", new AbortController(), "`signal` takes an AbortSignal, got an object"],
  ["logger", console.log, `${LOGGER}, got a function`],
  ["logger", { info() {} }, `${LOGGER}, got an object`],
  ["transport", null, "`transport` takes an object with the methods address, "],
  ["directory", 5, "`directory` must be a string"],
  ["directory", "", "`directory` must be a string that is not empty"],
  ["directory", "a\0b", "`directory` must be a string that is not empty and holds no NUL"],
  ["trustedOwners", 0, "`trustedOwners` must be an array of uids"],
  ["trustedOwners", ["root"], "`trustedOwners` must be an integer"],
  ["sharedDirectory", 1, "`sharedDirectory` must be true or false"],
];

const OUT_OF_RANGE: readonly Row[] = [
  ["maxMessageSize", -1, `\`maxMessageSize\` takes ${SIZE}, got -1`],
  ["maxMessageSize", 1_023, "got 1023"],
  ["maxMessageSize", 1_073_741_825, "got 1073741825"],
  ["maxMessageSize", 2_048.5, "got 2048.5"],
  ["maxQueuedBytes", Number.POSITIVE_INFINITY, "got Infinity"],
  ["maxQueuedBytes", 1_023, `\`maxQueuedBytes\` takes ${SIZE}, got 1023`],
  ["maxUnreadBytes", 0, `\`maxUnreadBytes\` takes ${SIZE}, got 0`],
  ["maxUnreadBytes", Number.NaN, "got NaN"],
  ["heartbeatMs", -1, "`heartbeatMs` takes a whole number of milliseconds, 0 … 2147483647, got -1"],
  ["idleTimeoutMs", 29_999, "`idleTimeoutMs` takes 0, or at least 2 × `heartbeatMs` (15000), got 29999"],
  ["busyPollUs", -1, `${POLL}, got -1`],
  ["busyPollUs", 1_001, "got 1001"],
  ["busyPollUs", 0.5, "got 0.5"],
  ["handshakeTimeoutMs", 0, "`handshakeTimeoutMs` takes a whole number of milliseconds, 1 … 2147483647, got 0"],
  ["handshakeTimeoutMs", 2_147_483_648, "got 2147483648"],
  ["trustedOwners", [-1], "`trustedOwners` must be an integer from 0 to 4294967294, got -1"],
];

const NAMES = [
  "../x",
  "a/b",
  "",
  ".hidden",
  "-x",
  "a..b",
  "a".repeat(65),
  "naïve",
  "ключ",
  "a b",
  "a\n",
  undefined,
  5,
  null,
];

/** Names of options, each once. */
export function optionsOf(own: OwnRefusals): string[] {
  const rows = [...WRONG_KIND, ...OUT_OF_RANGE, ...own.wrongKind, ...own.outOfRange];
  return [...new Set(rows.map(([option]) => option))];
}

/** Starts with each wrong option: nothing starts, and the error names the option, and what it takes. */
export function describeRefusals(start: (options: never) => Promise<unknown>, own: OwnRefusals): void {
  const fail = (options: unknown): Promise<Error> => failureOf(start(options as never));

  describe(`${start.name} refuses`, () => {
    it.each([...WRONG_KIND, ...own.wrongKind])(
      "%s: %o, as a TypeError that names it",
      async (option, value, message) => {
        const error = await fail({ name: "orders", [option]: value });
        expect(error).toBeInstanceOf(TypeError);
        expect(error.message).toContain(message);
      },
    );

    it.each([...OUT_OF_RANGE, ...own.outOfRange])(
      "%s: %o, as a RangeError that names it (golang-ipc: TestStartUp_Configs2)",
      async (option, value, message) => {
        const error = await fail({ name: "orders", [option]: value });
        expect(error).toBeInstanceOf(RangeError);
        expect(error.message).toContain(`\`${option}\``);
        expect(error.message).toContain(message);
      },
    );

    it.each(NAMES)(
      "the name %o, with the code IPC_NAME_INVALID (golang-ipc: row 1, TestStartUp_Name)",
      async (name) => {
        const error = await fail({ name });
        expect(error).toBeInstanceOf(TypeError);
        expect(error).toMatchObject({ code: "IPC_NAME_INVALID", message: expect.stringContaining("`name`") });
      },
    );

    it.each(own.unknown)("the unknown option %s, naming those that it takes", async (option) => {
      const error = await fail({ name: "orders", [option]: true });
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toContain(`${start.name}: unknown option \`${option}\``);
      expect(error.message).toContain(own.known);
    });

    it.each([undefined, null, "orders", 5])("%o instead of options (golang-ipc: row 33)", async (options) => {
      const error = await fail(options);
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toContain(`${start.name}: takes an object of options`);
    });

    it.each(Object.entries(own.besideTransport))(
      "%s beside transport: it would mean nothing",
      async (option, value) => {
        const error = await fail({ name: "orders", transport: memory(), [option]: value });
        expect(error).toBeInstanceOf(TypeError);
        expect(error.message).toContain(`\`${option}\``);
        expect(error.message).toContain("`transport`");
      },
    );
  });
}
