import { describe, expect, test } from "vitest";
import { assertName, endpointName, hostPort, managersOfSlot, maxPathBytes, pipePath, socketPath } from "./endpoint.js";
import type { Endpoint } from "./transport.js";

const NAME: Endpoint = { kind: "name" };
const MANAGER: Endpoint = { kind: "manager" };
const slot = (id: number): Endpoint => ({ kind: "slot", id });

describe("a name", () => {
  test.each(["a", "7", "orders", "Orders-2_b.v1", "a.b", "x".repeat(64)])("is accepted when it is %j", (name) => {
    expect(() => assertName(name)).not.toThrow();
  });

  test.each([
    "../x",
    "a/b",
    "a\\b",
    "..",
    ".a",
    "-a",
    "_a",
    "a..b",
    "a b",
    "a\0",
    "a\n",
    "ä",
    "x".repeat(65),
    undefined,
    null,
    7,
    ["a"],
    Symbol("a"),
  ])("is rejected when it is %j", (name) => {
    expect(() => assertName(name)).toThrow(
      expect.objectContaining({ constructor: TypeError, code: "IPC_NAME_INVALID" }),
    );
    expect(() => assertName(name)).toThrow(/^`name` takes 1 to 64 characters .*, got /);
  });

  test("is rejected with golang-ipc's message when it is empty", () => {
    expect(() => assertName("")).toThrow("`name` cannot be an empty string");
    expect(() => assertName("")).toThrow(expect.objectContaining({ code: "IPC_NAME_INVALID" }));
  });

  test("is shown, shortened, in the error that rejects it", () => {
    expect(() => assertName("../x")).toThrow('got "../x"');
    expect(() => assertName("/".repeat(10_000))).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/^.{0,200}$/) }),
    );
  });
});

describe("an endpoint", () => {
  test("has the same name as in golang-ipc", () => {
    expect(endpointName("orders", NAME)).toBe("orders");
    expect(endpointName("orders", MANAGER)).toBe("orders_manager");
    expect(endpointName("orders", slot(12))).toBe("orders12");
    expect(endpointName("orders", slot(0xffff_ffff))).toBe("orders4294967295");
  });

  test.each([0, -1, 1.5, 2 ** 32, Number.NaN])("is rejected when its slot is %d", (id) => {
    expect(() => endpointName("orders", slot(id))).toThrow(RangeError);
    expect(() => endpointName("orders", slot(id))).toThrow("`endpoint.id` must be an integer from 1 to 4294967295");
  });

  test("has no path when its name is invalid", () => {
    for (const endpoint of [NAME, MANAGER, slot(1)]) {
      expect(() => socketPath("/tmp", "../x", endpoint, "linux")).toThrow(
        expect.objectContaining({ code: "IPC_NAME_INVALID" }),
      );
      expect(() => pipePath("../x", endpoint)).toThrow(expect.objectContaining({ code: "IPC_NAME_INVALID" }));
    }
  });
});

describe("a socket path", () => {
  test("is <directory>/<endpoint>.sock", () => {
    expect(socketPath("/tmp", "orders", NAME, "linux")).toBe("/tmp/orders.sock");
    expect(socketPath("/tmp/", "orders", MANAGER, "linux")).toBe("/tmp/orders_manager.sock");
    expect(socketPath("/", "orders", slot(3), "linux")).toBe("/orders3.sock");
  });

  test.each([
    ["linux", 107],
    ["darwin", 103],
    ["freebsd", 103],
  ] as const)("on %s is rejected past %d bytes", (platform, most) => {
    expect(maxPathBytes(platform)).toBe(most);
    const fits = `/${"d".repeat(most - "//a.sock".length)}`;
    expect(socketPath(fits, "a", NAME, platform)).toHaveLength(most);
    expect(() => socketPath(`${fits}d`, "a", NAME, platform)).toThrow(
      expect.objectContaining({
        code: "IPC_PATH_TOO_LONG",
        message: expect.stringMatching(new RegExp(`${most + 1} bytes, limit ${most} on ${platform}; use a shorter`)),
      }),
    );
  });

  test("is measured in bytes, not in characters", () => {
    const directory = `/${"ä".repeat(50)}`;
    expect(`${directory}/a.sock`).toHaveLength(58);
    expect(() => socketPath(directory, "a", NAME, "linux")).toThrow("108 bytes");
  });
});

test("a pipe path is \\\\.\\pipe\\<endpoint>", () => {
  expect(pipePath("orders", NAME)).toBe("\\\\.\\pipe\\orders");
  expect(pipePath("orders", MANAGER)).toBe("\\\\.\\pipe\\orders_manager");
  expect(pipePath("orders", slot(3))).toBe("\\\\.\\pipe\\orders3");
});

test("an IPv6 address is put in brackets before its port", () => {
  expect(hostPort("127.0.0.1", 80)).toBe("127.0.0.1:80");
  expect(hostPort("::1", 80)).toBe("[::1]:80");
});

test.each([
  ["worker", []],
  ["worker1", ["worker"]],
  ["worker12", ["worker1", "worker"]],
  ["worker10", ["worker"]],
  ["worker0", []],
  ["worker-01", ["worker-0"]],
  ["1", []],
  ["12", ["1"]],
  ["w4294967295", ["w429496729", "w42949672", "w4294967", "w429496", "w42949", "w4294", "w429", "w42", "w4", "w"]],
  ["w4294967296", ["w429496729", "w42949672", "w4294967", "w429496", "w42949", "w4294", "w429", "w42", "w4"]],
])("the name %s may be a slot of the managers %j", (name, managers) => {
  expect(managersOfSlot(name)).toEqual(managers);
});
