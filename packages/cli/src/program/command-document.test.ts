import { join } from "node:path";
import { expect, it } from "vitest";
import { ROOT, readText } from "../../../../internal/architecture/src/source-tree.js";
import { renderReference } from "../../test/command-reference.js";

const DOCUMENT = "docs/CLI.md";

it(`${DOCUMENT} has the commands, findings and exit codes as they are (npm run reports writes them)`, async () => {
  await expect(renderReference(readText(DOCUMENT))).toMatchFileSnapshot(join(ROOT, DOCUMENT));
});
