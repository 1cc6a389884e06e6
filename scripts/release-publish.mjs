// Gives npm the packed packages that it misses. Needs no installed package, because it runs where npm's permission is.
// usage: node scripts/release-publish.mjs [TOP OF A WORKSPACE] [FOLDER OF TARBALLS], by default this one and reports/release
import { basename, resolve } from "node:path";
import { isPublished, npm, RELEASE_FOLDER, requireRelease } from "./release-packages.mjs";
import { ROOT } from "./section.mjs";

const [root = ROOT, folder = RELEASE_FOLDER] = process.argv.slice(2);

const { version, names } = await requireRelease(root);
for (const name of names) {
  if (await isPublished(name, version)) {
    console.log(`npm has ${name}@${version}`);
    continue;
  }
  const tarball = resolve(folder, `ipc-${basename(name)}-${version}.tgz`);
  await npm("publish", tarball, "--access", "public", "--ignore-scripts");
  console.log(`published ${name}@${version}`);
}
