// Writes into the packages what only a release needs: where they are on the web. Exits with 1 and names what is not decided.
// usage: node scripts/prepare-release.mjs [ADDRESS OF THE REPOSITORY]
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { absoluteLinks, REPOSITORY, releaseFields } from "./release-metadata.mjs";
import { ROOT } from "./section.mjs";

/**
 * @param {string} folder
 * @param {string} repository
 */
function prepare(folder, repository) {
  const manifest = join(ROOT, folder, "package.json");
  const fields = { ...JSON.parse(readFileSync(manifest, "utf8")), ...releaseFields(folder, repository) };
  writeFileSync(manifest, `${JSON.stringify(fields, null, 2)}\n`);
  const readme = join(ROOT, folder, "README.md");
  writeFileSync(readme, absoluteLinks(readFileSync(readme, "utf8"), folder, repository));
}

const repository = process.argv[2] ?? REPOSITORY;
if (repository === undefined) {
  console.error(
    "a release needs the address of the repository: set REPOSITORY in scripts/release-metadata.mjs (repository, homepage, bugs)",
  );
  process.exitCode = 1;
} else {
  for (const name of readdirSync(join(ROOT, "packages"))) prepare(`packages/${name}`, repository);
}
