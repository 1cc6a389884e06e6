import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as timers from "node:timers";
import { describe, expect, test, vi } from "vitest";
import { LOOK_MS, openListener } from "../../test/open-listener.js";
import { TransportError } from "../transport-error.js";
import * as binding from "./socket-binding.js";

vi.mock("./socket-binding.js", async (original) => {
  const actual = await original<typeof binding>();
  return { ...actual, bindSocket: vi.fn(actual.bindSocket) };
});

// Fake timers replace the global functions only.
vi.mock("node:timers", () => ({
  setInterval: vi.fn((...wanted: Parameters<typeof setInterval>) => setInterval(...wanted)),
  clearInterval: (timer: NodeJS.Timeout) => clearInterval(timer),
  setTimeout: (...wanted: Parameters<typeof setTimeout>) => setTimeout(...wanted),
  clearTimeout: (timer: NodeJS.Timeout) => clearTimeout(timer),
}));

const systemError = (code: string): Error => Object.assign(new Error("no luck"), { code });

describe("a listener whose file has vanished", () => {
  const passing = ["EMFILE", "ENFILE", "ENOSPC", "EDQUOT", "ENOMEM", "ENOENT"].map(
    (code) => [code, systemError(code)] as const,
  );

  test.each([
    ...passing,
    ["removed meanwhile", new TransportError("IPC_TRANSPORT_FAILED", "removed meanwhile")] as const,
  ])("creates the file again at the first check that succeeds, after failures with %s", async (_, failure) => {
    const { directory, address, onLost, settled, answers, fail } = await openListener();
    rmSync(address);
    for (let look = 0; look < 3; look++) {
      await fail(failure);
      expect([readdirSync(directory), onLost.mock.calls.length]).toEqual([[], 0]);
    }
    vi.advanceTimersByTime(LOOK_MS);
    expect(await settled).toBe("relisted");
    expect(await answers()).toBe(true);
    expect(onLost).not.toHaveBeenCalled();
  });

  test("ends when another file is there after a failed check", async () => {
    const { address, onLost, fail } = await openListener();
    rmSync(address);
    await fail(systemError("EMFILE"));
    writeFileSync(address, "precious");
    vi.advanceTimersByTime(LOOK_MS);
    expect(onLost).toHaveBeenCalledWith(
      expect.objectContaining({ code: "IPC_LISTENER_LOST", message: expect.stringContaining("a plain file") }),
    );
    expect(readFileSync(address, "utf8")).toBe("precious");
  });

  test.each([true, false])(
    "keeps the process awake for the next check as the listener did, referenced %s",
    async (isReferenced) => {
      const { address, listener, settled, fail } = await openListener();
      const timer = vi.mocked(timers.setInterval).mock.results.at(-1)?.value;
      if (!isReferenced) listener.unref();
      expect(timer?.hasRef()).toBe(false);
      rmSync(address);
      await fail(systemError("EMFILE"));
      expect(timer?.hasRef()).toBe(isReferenced);
      if (isReferenced) listener.unref();
      else listener.ref();
      expect(timer?.hasRef()).toBe(!isReferenced);
      vi.advanceTimersByTime(LOOK_MS);
      expect(await settled).toBe("relisted");
      expect(timer?.hasRef()).toBe(false);
    },
  );

  test("does not create the file again when it was closed after a failed check", async () => {
    const { directory, address, listener, onLost, onRelisted, fail } = await openListener();
    rmSync(address);
    await fail(systemError("EMFILE"));
    await listener.close();
    expect(vi.getTimerCount()).toBe(0);
    expect([readdirSync(directory), onLost.mock.calls.length, onRelisted.mock.calls.length]).toEqual([[], 0, 0]);
  });

  test.each(["EACCES", "EPERM", "EROFS", "EINVAL"])("ends when listening fails with %s", async (code) => {
    const { address, settled, onLost, onRelisted } = await openListener();
    rmSync(address);
    const cause = Object.assign(new Error(`${code}: no luck, mkdir '/proc/self/fd/7/.x'`), { code });
    vi.mocked(binding.bindSocket).mockRejectedValueOnce(cause);
    vi.advanceTimersByTime(LOOK_MS);
    expect(await settled).toBe("lost");
    expect(onLost).toHaveBeenCalledWith(
      expect.objectContaining({
        code: "IPC_LISTENER_LOST",
        message: expect.stringContaining(`listening there again failed: ${code}: no luck, mkdir;`),
        cause,
      }),
    );
    expect(onRelisted).not.toHaveBeenCalled();
  });
});
