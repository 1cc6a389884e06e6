import { type JsonRpcMessage, type JsonRpcPeer, type JsonRpcWriter, jsonRpcOver } from "../src/json-rpc/json-rpc.js";

/** A message of which a test reads the id and the method. */
export type Any = JsonRpcMessage & { readonly id?: unknown; readonly method?: unknown };

export interface JsonRpcSide {
  readonly received: Any[];
  readonly write: (message: Any) => Promise<void>;
  readonly writer: JsonRpcWriter;
}

/** A peer's JSON-RPC: what it has received, and how it writes. */
export function over(peer: JsonRpcPeer): JsonRpcSide {
  const { reader, writer } = jsonRpcOver(peer);
  const received: Any[] = [];
  reader.listen((message) => void received.push(message as Any));
  return { received, write: (message) => writer.write(message), writer };
}
