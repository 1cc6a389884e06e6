export type { Side } from "./fault-plan.js";
export { decodeNumbered, encodeNumbered, type Numbered, typeOf } from "./numbered-message.js";
export { OrderCheck } from "./order-check.js";
