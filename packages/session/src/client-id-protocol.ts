import { readUint32, UINT32_BYTES, writeUint32 } from "@ipc/framing";
import type { DataMessage } from "./message.js";

/** Message type of the request and of its answer. @see golang-ipc vars.go, `CLIENT_CONNECT_MSGTYPE` */
const CLIENT_ID_TYPE = 12;

const REQUEST = "client_id_request";

/** The message with which a client requests an id from `<name>_manager`. @see golang-ipc pool.go, `clientIdRequest` */
export const clientIdRequest: { readonly type: number; readonly data: string } = {
  type: CLIENT_ID_TYPE,
  data: REQUEST,
};

/** Returns whether a message requests a client id. */
export function isClientIdRequest(message: DataMessage): boolean {
  return message.type === CLIENT_ID_TYPE && message.data.length === REQUEST.length && message.text() === REQUEST;
}

/**
 * Encodes the manager's answer, whose data is `id(4)`.
 * @param id 1 … 2^32-1
 * @see golang-ipc shared.go, `intToBytes`
 */
export function encodeClientId(id: number): { readonly type: number; readonly data: Uint8Array } {
  const data = new Uint8Array(UINT32_BYTES);
  writeUint32(data, 0, id);
  return { type: CLIENT_ID_TYPE, data };
}

/** Decodes the id in a manager's answer, 1 … 2^32-1; returns undefined for every other message. */
export function tryDecodeClientId(message: DataMessage): number | undefined {
  if (message.type !== CLIENT_ID_TYPE || message.data.length !== UINT32_BYTES) return undefined;
  const id = readUint32(message.data, 0);
  return id === 0 ? undefined : id;
}
