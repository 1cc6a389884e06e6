import { parseArgs } from "node:util";
import { SectionFailed } from "./section.mjs";

const USAGE = "usage: npm run flakes -- [--runs N] [--load]";

/**
 * Parses the arguments of `npm run flakes`.
 * @param {string[]} args
 * @throws SectionFailed
 */
export function flakeOptions(args) {
  const { runs, load } = parse(args);
  if (!/^[1-9]\d{0,4}$/.test(runs))
    throw new SectionFailed(`--runs must be an integer from 1 to 99999, got "${runs}"; ${USAGE}`);
  return { runs: Number(runs), load };
}

/** @param {string[]} args */
function parse(args) {
  try {
    return parseArgs({
      args,
      options: { runs: { type: "string", default: "10" }, load: { type: "boolean", default: false } },
    }).values;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new SectionFailed(`${error.message}; ${USAGE}`);
  }
}
