import { describe, expect, test } from "vitest";
import { readText } from "./document.js";

/** Where the code says a number, and how docs/LIMITS.md says it. */
const NUMBERS: readonly { readonly file: string; readonly code: string; readonly says: string }[] = [
  { file: "session/src/options/peer-options.ts", code: "DEFAULT_MAX_MESSAGE_SIZE = 3_145_728;", says: "3 145 728" },
  { file: "session/src/handshake/limits.ts", code: "ANNOUNCED_SIZE_MAX = 1_073_741_824;", says: "1 … 1 073 741 824" },
  { file: "session/src/handshake/limits.ts", code: "LIMITS_MAX_BYTES = 4_096;", says: "4 096 bytes" },
  { file: "session/src/options/peer-options.ts", code: "{ min: KIB, max: GIB,", says: "1 024 … 1 073 741 824" },
  { file: "session/src/options/peer-options.ts", code: '"maxQueuedBytes", MIB', says: "1 048 576" },
  { file: "session/src/options/peer-options.ts", code: '"maxUnreadBytes", MIB', says: "1 048 576" },
  { file: "session/src/options/peer-options.ts", code: '"handshakeTimeoutMs", 5_000, 1', says: "5 000 ms" },
  {
    file: "session/src/options/peer-options.ts",
    code: '"busyPollUs", 0, { min: 0, max: 1_000, unit: "microseconds" }',
    says: "| 0: it sleeps at once | `busyPollUs`, 0 … 1 000 µs |",
  },
  { file: "session/src/options/call-arguments.ts", code: "CLOSE_TIMEOUT_MS = 5_000;", says: "5 000 ms" },
  { file: "session/src/stream-close.ts", code: "LINGER_MS = 250;", says: "250 ms" },
  { file: "session/src/connection/write-queue.ts", code: "CAPACITY_FACTOR = 16;", says: "16 × `maxQueuedBytes`" },
  { file: "session/src/message.ts", code: "MESSAGE_OVERHEAD_BYTES = 160;", says: "160" },
  { file: "session/src/codec/control-frame.ts", code: "CONTROL_DATA_MAX_BYTES = 128;", says: "| 1 … 128 |" },
  { file: "session/src/inbox/message-queue.ts", code: "MAX_STATUSES = 32;", says: "32 unread statuses" },
  { file: "session/src/options/peer-options.ts", code: '"heartbeatMs", 15_000', says: "15 000 ms" },
  { file: "session/src/options/peer-options.ts", code: '"idleTimeoutMs", 0', says: "| never | `idleTimeoutMs`" },
  { file: "session/src/options/peer-options.ts", code: ">= 2 * heartbeatMs", says: "at least 2 × `heartbeatMs`" },
  { file: "session/src/heartbeat/heartbeat.ts", code: "TICKS_PER_TIME = 8;", says: "exact to an eighth" },
  { file: "session/src/heartbeat/heartbeat.ts", code: "PINGS_PER_SLICE = 32;", says: "| 32 | | the event loop" },
  { file: "session/src/heartbeat/silence.ts", code: "UNANSWERED_PINGS = 3;", says: "a PING, three times" },
  { file: "session/src/scheduling/time-slice.ts", code: "SLICE_MS = 1;", says: "| 1 ms, give or take 16 messages" },
  { file: "session/src/scheduling/time-slice.ts", code: "STEPS_BETWEEN_SAMPLES = 16;", says: "16 messages or records" },
  { file: "session/src/codec/codec.ts", code: "LARGE_BYTES = 65_536;", says: "65 536 bytes" },
  { file: "session/src/options/option-reader.ts", code: "TIMER_MAX_MS = 2_147_483_647;", says: "2 147 483 647" },
  { file: "crypto/src/message-cipher.ts", code: "MESSAGE_LIMIT = 2 ** 31;", says: "2 147 483 648" },
  { file: "crypto/src/key-schedule.ts", code: "PSK_BYTES = 32;", says: "| a pre-shared key | 32 bytes |" },
  { file: "crypto/src/record-header.ts", code: "RECORD_DATA_MAX_BYTES = 262_144;", says: "1 … 262 144" },
  { file: "crypto/src/record-header.ts", code: "max: 512 - TAG_BYTES }", says: "512; 16" },
  { file: "crypto/src/record-decoder.ts", code: "FIRST_PART_BYTES = 65_536;", says: "64 KiB, never more" },
  { file: "crypto/src/record-sequence.ts", code: "REKEY_INTERVAL = 2 ** 20;", says: "1 048 576 | | the direction" },
  { file: "crypto/src/record-sequence.ts", code: "RECORD_LIMIT = 2 ** 48;", says: "2^48" },
  { file: "session/src/codec/codec.ts", code: "LARGE_BYTES = 65_536;", says: "one tick, 65 536 bytes" },
  { file: "session/src/options/security-options.ts", code: "MAX_PSKS = 4;", says: "| 4, the key file's among them |" },
  { file: "framing/src/frame-layout.ts", code: "UINT32_MAX = 0xffff_ffff;", says: "4 294 967 295" },
  { file: "framing/src/reassembly-buffer.ts", code: "LARGEST_BLOCK_BYTES = 65_536;", says: "64 KiB" },
  { file: "server/src/server.ts", code: "MAX_HANDSHAKES = 128;", says: "128;" },
  { file: "server/src/handshake-acceptor.ts", code: "PENDING_PER_HANDSHAKE = 2;", says: "256; at a manager 8 192" },
  { file: "manager/src/endpoints.ts", code: "MAX_HANDSHAKES = 4_096;", says: "at a manager 4 096" },
  { file: "session/src/handshake/key-pair-pool.ts", code: "AT_ONCE = 4;", says: "encrypted ones 4 are made" },
  { file: "transport/src/net/listener.ts", code: "BACKLOG = 4_096;", says: "4 096, or fewer" },
  {
    file: "manager/src/manager-options.ts",
    code: '"maxConnections", 10_000, { min: 1, max: 1_000_000,',
    says: "10 000",
  },
  { file: "manager/src/manager-options.ts", code: '"maxConnections", 10_000, {', says: "1 … 1 000 000" },
  { file: "manager/src/manager-options.ts", code: "MIB_256 = 268_435_456;", says: "268 435 456" },
  { file: "manager/src/manager-options.ts", code: "TIB = 1_099_511_627_776;", says: "1 024 … 1 099 511 627 776" },
  {
    file: "manager/src/server-manager.ts",
    code: "DISCONNECTED_SHARE = 4;",
    says: "a quarter of `maxTotalUnreadBytes`",
  },
  { file: "manager/src/client-id-service.ts", code: "MAX_PENDING_REQUESTS = 1_024;", says: "| 1 024 |" },
  { file: "manager/src/slots.ts", code: "MAX_FREE_SLOTS = 1_024;", says: "| 1 024 |" },
  { file: "manager/src/slots.ts", code: "MAX_SKIPPED = 32;", says: "| 32 |" },
  { file: "manager/src/slot.ts", code: "KEPT_MS = 30_000;", says: "| 30 s |" },
  { file: "manager/src/broadcast.ts", code: "SLOW_TIMEOUT_MS = 5_000;", says: "`slowTimeoutMs`" },
  { file: "client/src/client.ts", code: "SLOT_TIMEOUT_MS = 1_000;", says: "1 s, dialled every 10 ms" },
  { file: "client/src/client.ts", code: "SLOT_RETRY_MS = 10;", says: "1 s, dialled every 10 ms" },
  { file: "client/src/retry-schedule.ts", code: "FIRST_BASE_MS = 50;", says: "50 ms" },
  { file: "client/src/client-options.ts", code: "MAX_RETRY_MS = 1_000;", says: "1 000 ms" },
  { file: "client/src/client.ts", code: "STABLE_AFTER_MS = 10_000;", says: "10 s" },
  { file: "transport/src/unix/unix-socket.ts", code: "MAX_RETRY_DELAY_MS = 250;", says: "250 ms" },
  { file: "transport/src/net/tcp.ts", code: "KEEP_ALIVE_MS = 15_000;", says: "15 s" },
  { file: "transport/src/net/tcp.ts", code: "port = 8100", says: "8100" },
  { file: "transport/src/endpoint.ts", code: "{0,63}$/", says: "64 characters" },
  { file: "transport/src/endpoint.ts", code: "? 107 : 103;", says: "107 bytes on Linux, 103 elsewhere" },
  { file: "transport/src/key-file/key-file.ts", code: "KEY_BYTES = 32;", says: "32 random bytes" },
  { file: "transport/src/unix/takeover-lock.ts", code: "STALE_MS = 10_000;", says: "10 s" },
  { file: "transport/src/unix/socket-listener.ts", code: "LOOK_MS = 2_000;", says: "every 2 s" },
  { file: "transport/src/unix/socket-listener.ts", code: "TOUCH_MS = 86_400_000;", says: "once a day (24 h)" },
  { file: "transport/src/unix/probe.ts", code: "PROBE_MS = 1_000;", says: "1 s" },
];

const document = readText("docs/LIMITS.md");

describe("docs/LIMITS.md", () => {
  test.each(NUMBERS)("says what $file does: $code", ({ file, code, says }) => {
    expect(readText(`packages/${file}`)).toContain(code);
    expect(document).toContain(says);
  });
});
