// Writes into the packages what only a release needs: where they are on the web. Exits with 1 and names what is not decided.
// usage: node scripts/prepare-release.mjs
import { prepareRelease } from "./release-copy.mjs";
import { DECISIONS, listUndecided } from "./release-metadata.mjs";
import { ROOT } from "./section.mjs";

const undecided = listUndecided(DECISIONS);
if (DECISIONS.REPOSITORY === undefined || undecided.length > 0) {
  console.error(["a release needs decisions; fill in:", ...undecided].join("\n  "));
  process.exitCode = 1;
} else {
  await prepareRelease(ROOT, DECISIONS.REPOSITORY);
}
