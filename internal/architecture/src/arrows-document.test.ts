import { join } from "node:path";
import { expect, test } from "vitest";
import { drawArrows } from "./arrows-document.js";
import { ROOT, readText } from "./source-tree.js";

const DOCUMENT = "docs/ARCHITECTURE.md";

test(`${DOCUMENT} shows the arrows as they are (npm run reports writes them)`, async () => {
  await expect(drawArrows(readText(DOCUMENT))).toMatchFileSnapshot(join(ROOT, DOCUMENT));
});
