// Entry point @ipc/session/internal: what @ipc/client, @ipc/server and @ipc/manager share. It is outside semantic versioning:
// a patch release may change or remove every name in it.
export { clientIdRequest, encodeClientId, isClientIdRequest, tryDecodeClientId } from "./client-id-protocol.js";
export { type EstablishedConnection, UNCOPIED_FROM_BYTES } from "./codec/codec.js";
export { rejectEstablished } from "./connection/reject-established.js";
export { Deferred, handledRejection, settleWithin } from "./deferred.js";
export {
  diagnostics,
  reportSilence,
  type SilenceNews,
} from "./diagnostics.js";
export { abortError, asIpcError, traitsOf } from "./errors.js";
export { Heartbeat } from "./heartbeat/heartbeat.js";
export { Consumer } from "./inbox/consumer.js";
export type { Inbox, InboxConsumer } from "./inbox/inbox.js";
export type { MessageSource, SourceConsumer, SourceEnd } from "./inbox/message-source.js";
export { ListenerFailures } from "./lifecycle/listener-failures.js";
export { PeerCore } from "./lifecycle/peer-core.js";
export { PeerEmitter } from "./lifecycle/peer-emitter.js";
export type { PeerOwner } from "./lifecycle/peer-owner.js";
export { PeerSession } from "./lifecycle/peer-session.js";
export { type MessageOrigin, ReceivedMessage } from "./message.js";
export { withKeyFile } from "./negotiation/credentials.js";
export { withdrawalError } from "./negotiation/proved-keys.js";
export type { OpenSteps } from "./open-steps.js";
export {
  CLOSE_TIMEOUT_MS,
  validateAbortOptions,
  validateCloseOptions,
  validateDelay,
  validateWrite,
} from "./options/call-arguments.js";
export { OptionReader } from "./options/option-reader.js";
export { PEER_OPTIONS, type PeerLimits, type ResolvedPeerOptions, resolvePeerOptions } from "./options/peer-options.js";
export { assertKeysFor, resolveSecurity } from "./options/security-options.js";
export type { ResumableSession } from "./resume/resumable-session.js";
export { type ResumeLimits, resolveResume } from "./resume/resume-options.js";
export { ResumeRegistry } from "./resume/resume-registry.js";
export type { ResumeStart } from "./resume/session-keeper.js";
export { describeSecurity, type ProvedKeys } from "./security.js";
export { type PeerBudgets, SharedBudget } from "./shared-budget.js";
export { SlipReporter } from "./slip-reporter.js";
export { closeGracefully, destroyStream, setStreamReferenced } from "./stream-close.js";
export { startTimeLimit, type TimeLimit } from "./time-limit.js";
