import type { Duplex } from "node:stream";
import { deriveSharedSecret, type KeyPair } from "@ipc/crypto";
import { Deferred } from "../deferred.js";
import { abortError, SessionError } from "../errors.js";
import { runQueued } from "../scheduling/cpu-queue.js";
import type { ConnectionSecurity } from "../security.js";
import { closeGracefully, destroyStream } from "../stream-close.js";
import { startTimeLimit } from "../time-limit.js";
import { ExactReader } from "./exact-reader.js";
import { keyPairQueue } from "./key-pair-pool.js";
import type { Handshake, HandshakeAnswer, HandshakeStep } from "./steps.js";

/** How far the peer has come in a handshake that is in progress. */
export interface HandshakeProgress {
  /** The peer has sent 0: nothing, 1: its reply to the hello, 2: its public key, 3: its AUTH. */
  sent: number;
  /** Set to whether this side waits for the peer, at the beginning and at the end of each wait. */
  set isAwaited(isAwaited: boolean);
}

export interface HandshakeRun {
  /** Time limit for the whole handshake, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Updated as the peer advances. */
  readonly progress?: HandshakeProgress;
  /** Returns this connection's key pair. `isWanted`: whether the handshake still waits for it. @default the shared queue */
  readonly keyPair?: (isWanted: () => boolean) => Promise<KeyPair>;
  /** Accepts or rejects a client before the handshake completes. @default accepts every client */
  readonly authorize?: (security: ConnectionSecurity) => boolean | Promise<boolean>;
}

export interface HandshakeResult<T> {
  readonly result: T;
  /** Bytes that arrived after the handshake: the first bytes of the session. */
  readonly rest: Uint8Array;
}

/**
 * Runs a handshake over a stream and leaves the stream paused; on failure the stream is closed and destroyed.
 * @throws SessionError IPC_HANDSHAKE_TIMEOUT, IPC_ABORTED, IPC_NOT_AUTHORIZED, and errors of the handshake
 */
export async function runHandshake<T>(
  stream: Duplex,
  handshake: Handshake<T>,
  run: HandshakeRun,
): Promise<HandshakeResult<T>> {
  const { keyPair = (isWanted) => keyPairQueue.take(isWanted) } = run;
  const reader = new ExactReader(stream);
  let waitingFor = "its start";
  const answerTo = async (step: HandshakeStep): Promise<HandshakeAnswer> => {
    switch (step.kind) {
      case "receive": {
        waitingFor = `${step.what}; the peer is busy, stuck, or does not speak this protocol`;
        const { progress } = run;
        if (progress !== undefined) progress.isAwaited = true;
        const bytes = await reader.read(step.bytes, step.what);
        if (progress !== undefined) {
          progress.isAwaited = false;
          progress.sent = step.stage ?? progress.sent;
        }
        return bytes;
      }
      case "send":
        stream.write(step.bytes);
        return undefined;
      case "keyPair":
        waitingFor =
          "a key pair of this process, which starts more handshakes than it can serve, or has other work in its thread pool; start less at once, or raise UV_THREADPOOL_SIZE";
        return keyPair(() => !deadline.isOver());
      case "sharedSecret":
        waitingFor = "this process's own event loop, which is busy; split long computations";
        return runQueued(() => deriveSharedSecret(step.privateKey, step.publicKey), deadline.isOver);
      case "cpuQueue":
        return runQueued(() => undefined, deadline.isOver, "finish");
      case "authorize":
        waitingFor = "the server's authorize option";
        await authorize(step.security, run);
        return undefined;
    }
  };
  const converse = async (): Promise<T> => {
    let step = handshake.next();
    while (step.done !== true) {
      let answer: HandshakeAnswer;
      try {
        answer = await answerTo(step.value);
      } catch (error) {
        // The handshake may translate the error.
        step = handshake.throw(error);
        continue;
      }
      step = handshake.next(answer);
    }
    return step.value;
  };
  const deadline = startDeadline(run, () => waitingFor);
  try {
    // Send nothing if the signal was aborted before the start.
    if (deadline.isOver()) await deadline.over;
    const result = await Promise.race([converse(), deadline.over]);
    return { result, rest: reader.release() };
  } catch (error) {
    reader.release();
    if (deadline.isOver()) {
      // Stop the generator, so that a pending step cannot continue with a destroyed stream.
      handshake.return(undefined as never);
      destroyStream(stream);
    } else {
      // The last item sent may tell the peer the reason, so let it arrive.
      void closeGracefully(stream);
    }
    throw error;
  } finally {
    deadline.clear();
    if (run.progress !== undefined) run.progress.isAwaited = false;
  }
}

async function authorize(security: ConnectionSecurity, run: HandshakeRun): Promise<void> {
  let failure: { cause: unknown } | undefined;
  try {
    if (run.authorize === undefined || (await run.authorize(security))) return;
  } catch (cause) {
    failure = { cause };
  }
  const how = failure === undefined ? "rejected this client" : "failed";
  throw new SessionError("IPC_NOT_AUTHORIZED", `client rejected: the \`authorize\` option ${how}`, failure);
}

interface Deadline {
  /** Never resolves. */
  readonly over: Promise<never>;
  readonly isOver: () => boolean;
  readonly clear: () => void;
}

function startDeadline({ timeoutMs, signal }: HandshakeRun, waitingFor: () => string): Deadline {
  let isOver = false;
  const onCancel = (): void => {
    isOver = true;
  };
  const over = new Deferred<never>({ what: "handshake", ...(signal && { signal }), onCancel });
  const end = (error: SessionError): void => {
    isOver = true;
    over.reject(error);
  };
  const limit = startTimeLimit(timeoutMs, () =>
    end(new SessionError("IPC_HANDSHAKE_TIMEOUT", `handshake timed out: ${timeoutMs} ms, waiting for ${waitingFor()}`)),
  );
  if (signal?.aborted === true) end(abortError("handshake", signal));
  return {
    over: over.promise,
    isOver: () => isOver,
    clear() {
      limit.cancel();
      over.commit();
    },
  };
}
