import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { type Attempt, errnoOf, throwTransportError } from "./node-error.js";
import { TransportError } from "./transport-error.js";

const systemError = (code: string): Error => Object.assign(new Error(`connect ${code} /x`), { code });
const attempt = (doing: Attempt["doing"], signal?: AbortSignal): Attempt => ({
  doing,
  address: "/tmp/orders.sock",
  whenDenied: "ask for the right",
  signal,
});

test.each([
  ["dial", "ENOENT", "IPC_NO_SERVER"],
  ["dial", "ECONNREFUSED", "IPC_NO_SERVER"],
  ["dial", "EACCES", "IPC_PERMISSION_DENIED"],
  ["dial", "EPERM", "IPC_PERMISSION_DENIED"],
  ["dial", "EAGAIN", "IPC_TRANSPORT_FAILED"],
  ["dial", "EADDRINUSE", "IPC_TRANSPORT_FAILED"],
  ["dial", "ETIMEDOUT", "IPC_TRANSPORT_FAILED"],
  ["dial", "ENAMETOOLONG", "IPC_TRANSPORT_FAILED"],
  ["dial", "ENOTFOUND", "IPC_TRANSPORT_FAILED"],
  ["dial", "EAI_AGAIN", "IPC_TRANSPORT_FAILED"],
  ["listen", "EADDRINUSE", "IPC_ADDRESS_IN_USE"],
  ["listen", "EACCES", "IPC_PERMISSION_DENIED"],
  ["listen", "EROFS", "IPC_PERMISSION_DENIED"],
  ["listen", "ENOENT", "IPC_TRANSPORT_FAILED"],
  ["listen", "EMFILE", "IPC_TRANSPORT_FAILED"],
] as const)("reports a %s that fails with %s as %s, with the cause and the address", (doing, errno, code) => {
  const cause = systemError(errno);
  const message = expect.stringMatching(new RegExp(`/tmp/orders\\.sock.*${errno}`));
  expect(() => throwTransportError(cause, attempt(doing))).toThrow(
    expect.objectContaining({ constructor: TransportError, name: "TransportError", code, cause, message }),
  );
});

test.each([
  ["Node's permission model", { code: "ERR_ACCESS_DENIED" }, "start Node.js with --allow-fs-read=*"],
  ["Deno 2", { name: "NotCapable" }, "start Deno with --allow-read"],
  ["Deno", { name: "PermissionDenied" }, "or ask for the right"],
])("reports a denial by %s as IPC_PERMISSION_DENIED, with its message and the next step", (_what, error, step) => {
  const cause = Object.assign(new Error("Requires read access"), error);
  const message = expect.stringMatching(/^this process may not listen at .*Requires read access/);
  expect(() => throwTransportError(cause, attempt("listen"))).toThrow(
    expect.objectContaining({ code: "IPC_PERMISSION_DENIED", cause, message }),
  );
  expect(() => throwTransportError(cause, attempt("listen"))).toThrow(step);
});

test.each([
  ["EROFS", "another filesystem"],
  ["EMFILE", "ulimit -n"],
  ["ENFILE", "fs.file-max"],
  ["ENOSPC", "df -i"],
  ["EDQUOT", "quota"],
  ["ENOTDIR", "check each directory"],
  ["ENOENT", "create it"],
  ["EADDRNOTAVAIL", "check the host"],
  ["ENOTFOUND", "check it, and the network"],
  ["EAGAIN", "dial again"],
])("names the next step when a listen fails with %s", (errno, step) => {
  expect(() => throwTransportError(systemError(errno), attempt("listen"))).toThrow(step);
});

test("names the next step when the system denies access", () => {
  expect(() => throwTransportError(systemError("EACCES"), attempt("dial"))).toThrow(/EACCES.*; ask for the right$/);
});

describe("an error that the system did not raise passes unchanged:", () => {
  test.each([
    new TransportError("IPC_UNTRUSTED_SOCKET", "x"),
    new TypeError("x"),
    Object.assign(new TypeError("x"), { code: "ERR_INVALID_ARG_TYPE" }),
    "no error at all",
  ])("%s", (error) => {
    let thrown: unknown;
    try {
      throwTransportError(error, attempt("dial"));
    } catch (caught) {
      thrown = caught;
    }
    expect(thrown).toBe(error);
  });
});

test("reports any failure after an abort as the abort", () => {
  const reason = new Error("enough");
  expect(() => throwTransportError(systemError("ENOENT"), attempt("dial", AbortSignal.abort(reason)))).toThrow(
    expect.objectContaining({
      name: "AbortError",
      code: "IPC_ABORTED",
      cause: reason,
      message: "dialling /tmp/orders.sock was aborted",
    }),
  );
});

test("reports an AggregateError without a message by its code", () => {
  const cause = Object.assign(new AggregateError([]), { code: "EHOSTUNREACH" });
  expect(() => throwTransportError(cause, attempt("dial"))).toThrow(
    "connecting to /tmp/orders.sock failed: EHOSTUNREACH",
  );
});

test.each([
  ["connect EAGAIN /proc/self/fd/21", "connect EAGAIN"],
  ["connect EAGAIN /proc/self/fd/7/~", "connect EAGAIN"],
  ["listen EINVAL: invalid argument /proc/self/fd/7/~", "listen EINVAL: invalid argument"],
  ["ENOSPC: no space left, mkdir '/proc/self/fd/21/.3w5e11264sgsf'", "ENOSPC: no space left, mkdir"],
  ["EIO: i/o error, link '/proc/self/fd/21/~' -> '/proc/self/fd/20/a.sock'", "EIO: i/o error, link"],
  ["EMFILE: too many open files, open '/tmp/a.sock.lock'", "EMFILE: too many open files, open '/tmp/a.sock.lock'"],
])("leaves the path of a descriptor out of %j", (message, kept) => {
  const cause = Object.assign(new Error(message), { code: "EIO" });
  expect(() => throwTransportError(cause, attempt("dial"))).toThrow(
    expect.objectContaining({ message: `connecting to /tmp/orders.sock failed: ${kept}`, cause }),
  );
});

test("takes none of Node's own codes for an errno", () => {
  expect(errnoOf(systemError("ENOENT"))).toBe("ENOENT");
  expect(errnoOf(systemError("ERR_SOCKET_CLOSED"))).toBeUndefined();
  for (const value of [undefined, null, "ENOENT", 5, {}, { code: 5 }]) expect(errnoOf(value)).toBeUndefined();
});

test("reports errors of another realm like those of this one", () => {
  const cause = runInNewContext("Object.assign(new Error('connect ENOENT /a'), { code: 'ENOENT' })");
  expect(errnoOf(cause)).toBe("ENOENT");
  expect(() => throwTransportError(cause, attempt("dial"))).toThrow(expect.objectContaining({ code: "IPC_NO_SERVER" }));
});
