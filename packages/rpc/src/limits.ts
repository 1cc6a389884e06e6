/** The default type of the messages that carry calls: "rpc1" in ASCII. */
export const MESSAGE_TYPE = 0x72706331;

/** Bytes of a frame before its name. */
export const HEADER_BYTES = 12;

/** Longest name of a method, in bytes of UTF-8. */
export const NAME_MAX_BYTES = 255;

/** Longest meta of a call, in bytes of JSON. */
export const META_MAX_BYTES = 4_096;

/** Longest code of an error, in bytes of UTF-8. */
export const CODE_MAX_BYTES = 64;

/** Credit of each direction of a stream before any CREDIT frame, in bytes. */
export const INITIAL_CREDIT_BYTES = 16_384;

/** Least credit that an item costs, in bytes, because a short item costs memory too. */
export const ITEM_MIN_COST_BYTES = 64;

/** Longest item, in bytes. */
export const ITEM_MAX_BYTES = 262_144;

/** Byte items are cut into parts of this length. */
export const ITEM_PART_BYTES = 65_536;

/** Unread items of all streams of a connection, in bytes. */
export const UNREAD_MAX_BYTES = 16_777_216;

/** Requests of the other side over JSON-RPC that are not answered yet, those of lost connections among them. */
export const JSON_RPC_MAX_REQUESTS = 16_384;

/** Longest id of such a request, in characters. */
export const JSON_RPC_ID_MAX_CHARS = 1_024;

/** Longest delay that Node timers support, in milliseconds; a timer with a longer one fires at once. */
export const TIMER_MAX_MS = 2_147_483_647;

/** Default deadline of a call without items, in milliseconds. */
export const CALL_TIMEOUT_MS = 30_000;

/** Default time that `close` allows for open calls, in milliseconds. */
export const CLOSE_TIMEOUT_MS = 5_000;
