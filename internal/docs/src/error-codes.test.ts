import type { IpcErrorCode } from "@ipc/client";
import { describe, expect, test } from "vitest";
import { isRetryable } from "../../../packages/client/src/dial-loop.js";
import { readText } from "../../architecture/src/source-tree.js";

/** Every code of the library. The compiler refuses one that is missing here, and one that does not exist. */
const CODES = Object.keys({
  IPC_ABORTED: true,
  IPC_ADDRESS_IN_USE: true,
  IPC_AUTHENTICATION_FAILED: true,
  IPC_CALL_LOST: true,
  IPC_CIPHER_EXHAUSTED: true,
  IPC_CLOSED: true,
  IPC_CLOSE_INCOMPLETE: true,
  IPC_CONNECTION_LOST: true,
  IPC_CONSUMER_TAKEN: true,
  IPC_DECRYPTION_FAILED: true,
  IPC_ENCRYPTION_REFUSED: true,
  IPC_FRAME_TOO_LARGE: true,
  IPC_FRAME_TOO_SHORT: true,
  IPC_FRAME_TRUNCATED: true,
  IPC_HANDSHAKE_FAILED: true,
  IPC_HANDSHAKE_TIMEOUT: true,
  IPC_KEY_FILE_UNTRUSTED: true,
  IPC_LISTENER_FAILED: true,
  IPC_LISTENER_LOST: true,
  IPC_MESSAGE_TOO_LARGE: true,
  IPC_NAME_INVALID: true,
  IPC_NOT_AUTHORIZED: true,
  IPC_NOT_CONNECTED: true,
  IPC_NOT_RESUMABLE: true,
  IPC_NO_SERVER: true,
  IPC_PATH_TOO_LONG: true,
  IPC_PEER_CLOSED: true,
  IPC_PEER_GONE: true,
  IPC_PERMISSION_DENIED: true,
  IPC_PUBLIC_KEY_INVALID: true,
  IPC_QUEUE_FULL: true,
  IPC_RECORD_INVALID: true,
  IPC_RECORD_TRUNCATED: true,
  IPC_SECURITY_REFUSED: true,
  IPC_SERVER_BUSY: true,
  IPC_SESSION_LOST: true,
  IPC_TIMED_OUT: true,
  IPC_TRANSPORT_FAILED: true,
  IPC_UNTRUSTED_SOCKET: true,
  IPC_VERSION_MISMATCH: true,
  IPC_WRITE_UNAWAITED: true,
} satisfies Record<IpcErrorCode, true>) as IpcErrorCode[];

const DOCUMENT = "docs/ERRORS.md";
const sections = new Map(
  readText(DOCUMENT)
    .split(/^## /m)
    .slice(1)
    .map((section): [string, string] => [section.slice(0, section.indexOf("\n")), section]),
);

test(`${DOCUMENT} has one heading for each code, in order, and none for anything else`, () => {
  const headings = [...sections.keys()].filter((heading) => heading.startsWith("IPC_"));
  expect(headings).toEqual([...CODES].sort());
});

describe.each(CODES)("%s", (code) => {
  const section = sections.get(code) ?? "";

  test("says which side sees it and what to do", () => {
    expect(section).toMatch(/^- \*\*Seen by\*\* \S/m);
    expect(section).toMatch(/^- \*\*Do\*\* \S/m);
  });

  test("says whether a client redials after it, as the client's code decides", () => {
    const [, redialling] =
      /^- \*\*Redialling\*\* (goes on(?: after a (?:loss|secure session), ends (?:at the start|else))?|ends|does not meet it)[.;]/m.exec(
        section,
      ) ?? [];
    const goesOn = redialling?.startsWith("goes on") ?? false;
    expect({
      atStart: isRetryable(code, "no connection"),
      afterLoss: isRetryable(code, "a connection"),
      afterSecureSession: isRetryable(code, "a secure session"),
    }).toEqual({
      atStart: redialling === "goes on",
      afterLoss: goesOn && !redialling?.includes("after a secure session"),
      afterSecureSession: goesOn,
    });
    expect(redialling).toBeDefined();
  });
});
