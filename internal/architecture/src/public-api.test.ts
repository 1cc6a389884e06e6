import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { renderPublicApi } from "./public-api.js";
import { filesUnder, foldersIn, isCommand, ROOT } from "./source-tree.js";

const libraries = foldersIn("packages").filter((name) => !isCommand(name));
const report = (name: string): string => `docs/api/${name}.md`;

describe.each(libraries)("%s", (name) => {
  test(`has the public API that ${report(name)} shows (npm run reports writes it)`, async () => {
    await expect(renderPublicApi(name)).toMatchFileSnapshot(join(ROOT, report(name)));
  });
});

test("docs/api has no report of a package that is gone", () => {
  const reports = libraries.map(report);
  expect(filesUnder("docs/api", [".md"]).filter((file) => !reports.includes(file))).toEqual([]);
});
