import { parseDuration } from "../duration.js";
import { defaulted, integer } from "./option.js";
import { CLIENT_OPTIONS } from "./shared-options.js";

const MOST = 1_000_000_000;

export const PING_OPTIONS = {
  count: defaulted("-c, --count <n>", "how many times (default: 1)", integer(1, MOST), 1),
  interval: defaulted("-i, --interval <time>", "pause between two (default: 1s)", parseDuration, 1_000),
  ...CLIENT_OPTIONS,
};
