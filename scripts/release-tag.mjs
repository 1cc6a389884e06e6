// Makes the release on GitHub, with the tag and the bill of materials, unless the tag exists. Needs the GitHub CLI and its GH_TOKEN.
// usage: node scripts/release-tag.mjs [TOP OF A WORKSPACE] [BILL OF MATERIALS], by default this one and reports/sbom.cdx.json
import { execFile } from "node:child_process";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { SAMPLE_REPOSITORY } from "./release-copy.mjs";
import { isTagged, requireRelease, tagOf } from "./release-packages.mjs";
import { ROOT } from "./section.mjs";

const run = promisify(execFile);

const [root = ROOT, bill = join(root, "reports", "sbom.cdx.json")] = process.argv.slice(2);

const { version, names } = await requireRelease(root);
const tag = tagOf(version);
if (await isTagged(root, version)) {
  console.log(`git has ${tag}`);
} else {
  const { stdout: commit } = await run("git", ["rev-parse", "HEAD"], { cwd: root });
  const changes = names.map(
    (name) => `- [${name}](${SAMPLE_REPOSITORY}/blob/${tag}/packages/${basename(name)}/CHANGELOG.md)`,
  );
  const notes = ["The changes of each package:", "", ...changes].join("\n");
  const options = ["--target", commit.trim(), "--title", tag, "--notes", notes];
  await run("gh", ["release", "create", tag, bill, ...options], { cwd: root });
  console.log(`released ${tag}`);
}
