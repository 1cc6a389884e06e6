import { handledRejection } from "../src/deferred.js";
import type { MessageOrigin } from "../src/message.js";
import { OpenSteps } from "../src/open-steps.js";
import { PLAIN_SECURITY } from "../src/security.js";

/** The origin of messages that came over no connection. */
export const noOrigin: MessageOrigin = {
  security: PLAIN_SECURITY,
  remote: "nowhere",
  loss: undefined,
  steps: new OpenSteps(() => {}),
  reply: () => handledRejection(new Error("there is no connection")),
};
