// Gives npm the packed packages that it misses. Needs no installed package, because it runs where npm's permission is.
// usage: node scripts/release-publish.mjs [TOP OF A WORKSPACE] [FOLDER OF TARBALLS], by default this one and reports/release
import { basename, resolve } from "node:path";
import { assertPacked, isPublished, npm, RELEASE_FOLDER, requireRelease } from "./release-packages.mjs";
import { ROOT } from "./section.mjs";

const [root = ROOT, folder = RELEASE_FOLDER] = process.argv.slice(2);

const { version, names } = await requireRelease(root);
const tarballs = new Map(names.map((name) => [name, resolve(folder, `ipc-${basename(name)}-${version}.tgz`)]));
// All of them before the first one is published, because npm takes nothing back.
for (const [name, tarball] of tarballs) await assertPacked(tarball, { name, version });
for (const [name, tarball] of tarballs) {
  if (await isPublished(name, version)) {
    console.log(`npm has ${name}@${version}`);
    continue;
  }
  await npm("publish", tarball, "--access", "public", "--ignore-scripts");
  console.log(`published ${name}@${version}`);
}
