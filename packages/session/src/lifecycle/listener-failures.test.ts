import { describe, expect, it } from "vitest";
import { keepWarnings } from "../../../../internal/testkit/src/process-warnings.js";
import type { IpcError } from "../errors.js";
import { SessionError } from "../errors.js";
import { SlipReporter } from "../slip-reporter.js";
import { ListenerFailures } from "./listener-failures.js";

interface Line {
  readonly isOpen: boolean;
  readonly loss?: Error;
}

/** Failures of listeners, with the connections that they end and all that is reported. */
function record(): {
  failures: ListenerFailures<{ message: [] }, Line>;
  ended: [Line, IpcError][];
  log: string[];
  warnings: unknown[][];
} {
  const log: string[] = [];
  const line = (level: string) => (message: string) => void log.push(`${level} ${message}`);
  const logger = { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") };
  const ended: [Line, IpcError][] = [];
  const failures = new ListenerFailures<{ message: [] }, Line>({
    slips: new SlipReporter(logger, "server orders"),
    connectionOf: () => undefined,
    end: (connection, error) => {
      if (connection.isOpen) ended.push([connection, error]);
      return connection.isOpen;
    },
    isEnd: (connection, error) => connection.loss === error,
  });
  return { failures, ended, log, warnings: keepWarnings() };
}

const bug = new TypeError("x is not a function");
const WITH_CONNECTION =
  "`message` listener failed: x is not a function; this ends the connection that it was called for; handle the error in the listener";
const WITHOUT = "`message` listener failed: x is not a function; handle the error in the listener";

describe("a failed listener", () => {
  it("ends the connection that it was called for with IPC_LISTENER_FAILED, whose cause is its error", () => {
    const { failures, ended, log, warnings } = record();
    const connection = { isOpen: true };
    failures.failed("message", bug, connection);
    const error = expect.objectContaining({ code: "IPC_LISTENER_FAILED", message: WITH_CONNECTION, cause: bug });
    expect(ended).toEqual([[connection, error]]);
    expect(log).toEqual([`error server orders: ${WITH_CONNECTION}`]);
    expect(warnings).toEqual([
      [`server orders: ${WITH_CONNECTION}`, { code: "IPC_LISTENER_FAILED", detail: bug.stack }],
    ]);
  });

  it("is logged, and no connection ends, when it was called for none", () => {
    const { failures, ended, log } = record();
    failures.failed("message", bug, undefined);
    expect([ended, log]).toEqual([[], [`error server orders: ${WITHOUT}`]]);
  });

  it.each([
    ["text", '"text"'],
    [Object.create(null), "an object"],
    [Symbol("s"), "Symbol(s)"],
    [undefined, "undefined"],
  ])("may fail with any value: %#", (thrown, shown) => {
    const { failures, log } = record();
    failures.failed("message", thrown, undefined);
    expect(log).toEqual([
      `error server orders: \`message\` listener failed: ${shown}; handle the error in the listener`,
    ]);
  });

  const own = (name: string, descriptor: PropertyDescriptor): Error =>
    Object.defineProperty(new Error("x"), name, descriptor);
  const trap = {
    get(): never {
      throw new Error("a getter");
    },
  };
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();

  it.each([
    ["a symbol as message", own("message", { value: Symbol("s") }), "an object"],
    ["an object as message", own("message", { value: Object.create(null) }), "an object"],
    ["a message that throws", own("message", trap), "an object"],
    ["a stack that throws", own("stack", trap), "x"],
    ["a number as stack", own("stack", { value: 7 }), "x"],
    ["a code that throws", own("code", trap), "x"],
    ["a proxy that was revoked", revoked.proxy, "an object"],
  ])("may fail with what cannot be read: %s", (_what, thrown, shown) => {
    const { failures, ended, log, warnings } = record();
    failures.failed("message", thrown, { isOpen: true });
    failures.failed("message", thrown, { isOpen: false });
    expect(ended).toHaveLength(1);
    expect(log[0]).toContain(`listener failed: ${shown}; this ends`);
    expect(warnings).toHaveLength(1);
  });

  it("is not reported when its connection has ended and its event reports that end", () => {
    const { failures, log, warnings } = record();
    const lost = new SessionError("IPC_CONNECTION_LOST", "cut");
    failures.failed("message", lost, { isOpen: false, loss: lost });
    expect([log, warnings]).toEqual([[], []]);
  });

  it.each(["IPC_CONNECTION_LOST", "IPC_CLOSED", "IPC_SERVER_BUSY", "IPC_SECURITY_REFUSED"] as const)(
    "is reported when it says that another connection has ended: %s",
    (code) => {
      const { failures, log } = record();
      const other = new SessionError(code, "upstream");
      failures.failed("message", other, { isOpen: false, loss: new SessionError(code, "cut") });
      failures.failed("message", other, undefined);
      expect(log).toHaveLength(2);
    },
  );

  it("ends its connection also when its event reports the end of another connection", () => {
    const { failures, ended } = record();
    failures.failed("message", new SessionError("IPC_NOT_CONNECTED", "upstream"), { isOpen: true });
    expect(ended).toHaveLength(1);
  });

  it("is logged at debug level without a warning when an earlier one failed for the same connection", () => {
    const { failures, log, warnings } = record();
    const connection = { isOpen: false };
    for (let count = 0; count < 3; count++) failures.failed("message", bug, connection);
    failures.failed("message", bug, { isOpen: false });
    expect(log.map((line) => line.split(" ", 1)[0])).toEqual(["error", "debug", "debug", "error"]);
    expect(warnings).toHaveLength(1);
  });
});
