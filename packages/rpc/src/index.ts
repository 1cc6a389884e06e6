export {
  CallFailed,
  type CallFailedOptions,
  isCallFailed,
  type ReservedCode,
} from "./call-failed.js";
export type { CallOptions, ItemCallOptions, OneWayOptions } from "./calls/call-options.js";
export {
  type CallArguments,
  type CallStream,
  type FailureOf,
  failed,
  type Remote,
  type RemoteMethod,
  type ReservedFailure,
  type UnaryMethod,
} from "./calls/remote-types.js";
export {
  type Contract,
  type DefinedTypes,
  type Method,
  type MethodDefinition,
  type MethodTypes,
  method,
  type PlainOptions,
  type PlainTypes,
  stream,
  type Untyped,
  type UntypedStream,
} from "./contract/method.js";
export type {
  SchemaInput,
  SchemaIssue,
  SchemaOutput,
  SchemaResult,
  SchemaTypes,
  StandardSchema,
  StandardSchemaProps,
  WireIssue,
} from "./contract/standard-schema.js";
export { rpc, serve } from "./layer/rpc.js";
export type { RpcOptions } from "./layer/rpc-options.js";
export type { CallManager, CallPeer, Side } from "./link/call-peer.js";
export type { Caller } from "./link/link.js";
export { type Executed, RpcError, type RpcErrorCode } from "./rpc-error.js";
export type { MethodDescription } from "./serve/describe.js";
export type {
  AnyCall,
  Call,
  Handler,
  Handlers,
  Middleware,
  Rpc,
  RpcStats,
  ServeOptions,
} from "./serve/handler-types.js";
export type { CallEvent } from "./tracing.js";
export type { Meta } from "./wire/meta.js";
