import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { scratchDirectory, turns } from "../../test/scratch.js";
import { NetListener, startListening } from "./listener.js";

const systemError = (code: string): Error => Object.assign(new Error(`accept ${code}`), { code, syscall: "accept" });

async function open() {
  const server: Server = createServer();
  const address = join(scratchDirectory(), "a.sock");
  await startListening(server, { path: address }, undefined);
  const [onStream, onLost] = [vi.fn(), vi.fn()];
  const closeServer = vi.fn(() => {
    expect(server.listening).toBe(true);
    server.close();
  });
  const listener = new NetListener(server, { address, onStream, onLost, closeServer });
  onTestFinished(() => listener.close());
  return { server, address, listener, onStream, onLost, closeServer };
}

test.each(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "ECONNABORTED", "EPROTO"])(
  "keeps listening when an accept fails with %s",
  async (code) => {
    const { server, address, onStream, onLost, closeServer } = await open();
    server.emit("error", systemError(code));
    const socket = connect(address);
    await once(socket, "connect");
    while (onStream.mock.calls.length === 0) await turns(1);
    socket.destroy();
    expect(onLost).not.toHaveBeenCalled();
    expect(closeServer).not.toHaveBeenCalled();
  },
);

describe("a listener that loses its descriptor", () => {
  test.each(["EBADF", "EINVAL", "ENOTSOCK"])("reports it once, after releasing everything (%s)", async (code) => {
    const { server, address, onLost, closeServer } = await open();
    onLost.mockImplementation(() => {
      expect(closeServer).toHaveBeenCalledTimes(1);
      expect(server.listening).toBe(false);
    });
    const cause = systemError(code);
    server.emit("error", cause);
    server.emit("error", systemError(code));
    expect(onLost).toHaveBeenCalledTimes(1);
    expect(onLost).toHaveBeenCalledWith(
      expect.objectContaining({ code: "IPC_LISTENER_LOST", cause, message: expect.stringContaining(address) }),
    );
  });

  test("reports nothing after a close", async () => {
    const { server, listener, onLost, closeServer } = await open();
    await listener.close();
    server.emit("error", systemError("EBADF"));
    expect(onLost).not.toHaveBeenCalled();
    expect(closeServer).toHaveBeenCalledTimes(1);
  });
});

/** The system's own bound of a queue of connections, where it tells. */
const QUEUE_MAX =
  process.platform === "linux" ? Number(readFileSync("/proc/sys/net/core/somaxconn", "utf8")) : Number.NaN;

// Node's own queue holds 511: the others would be refused with EAGAIN, and dial again and again.
test.runIf(QUEUE_MAX >= 2_000)("lets 2 000 clients that dial at once wait to be accepted", async () => {
  const { address, onStream } = await open();
  const sockets = Array.from({ length: 2_000 }, () => connect(address));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  while (onStream.mock.calls.length < sockets.length) await turns(1);
});

test("closes once when close is called again, and does not wait for the streams", async () => {
  const { address, listener, onStream, closeServer } = await open();
  const socket = connect(address);
  await once(socket, "connect");
  while (onStream.mock.calls.length === 0) await turns(1);
  await Promise.all([listener.close(), listener.close()]);
  await listener.close();
  expect(closeServer).toHaveBeenCalledTimes(1);
  expect(socket.destroyed).toBe(false);
  socket.destroy();
});

test("forwards ref and unref to the server", async () => {
  const { server, listener } = await open();
  const [ref, unref] = [vi.spyOn(server, "ref"), vi.spyOn(server, "unref")];
  listener.unref();
  expect(unref).toHaveBeenCalledTimes(1);
  listener.ref();
  expect(ref).toHaveBeenCalledTimes(1);
});

test("stops listening when the signal aborts during a host lookup", async () => {
  const server = createServer();
  const abort = new AbortController();
  const listening = once(server, "listening");
  const starting = startListening(server, { host: "localhost", port: 0 }, abort.signal);
  abort.abort("enough");
  await expect(starting).rejects.toBe("enough");
  await Promise.race([listening, turns(50)]);
  await turns(1);
  expect(server.listening).toBe(false);
});
