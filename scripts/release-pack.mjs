// Packs the packages as a release publishes them. Exits with 1 and names what is not decided.
// usage: node scripts/release-pack.mjs
import { mkdir, rm } from "node:fs/promises";
import { packAll } from "./release-copy.mjs";
import { DECISIONS, decidedRepository } from "./release-metadata.mjs";
import { RELEASE_FOLDER } from "./release-packages.mjs";

try {
  const repository = decidedRepository(DECISIONS);
  await rm(RELEASE_FOLDER, { recursive: true, force: true });
  await mkdir(RELEASE_FOLDER, { recursive: true });
  await packAll(RELEASE_FOLDER, { repository });
} catch (error) {
  console.error(/** @type {Error} */ (error).message);
  process.exitCode = 1;
}
