import { expect, it } from "vitest";
import { complaintsOf, readTable, writeTable } from "./size-table.mjs";

const DOCUMENT = "# Size\n\n<!-- begin sizes -->\n\nold\n\n<!-- end sizes -->\n\nthe rest\n";
const SIZE = { tarballs: 361_573, installed: 1_481_433, minified: 109_443, gzipped: 998 };
const SIZES = new Map([
  ["@ipc/client", SIZE],
  ["a typical client", { ...SIZE, minified: 1_000 }],
]);

it("writes a table between the markers, and reads it again", () => {
  const written = writeTable(DOCUMENT, SIZES);
  expect(written).toContain("| @ipc/client | 361 573 | 1 481 433 | 109 443 | 998 |\n");
  expect(written).toMatch(/^# Size\n\n<!-- begin sizes -->\n\n(\|.*\|\n){4}\n<!-- end sizes -->\n\nthe rest\n$/);
  expect(readTable(written)).toEqual(SIZES);
  expect(writeTable(written, SIZES)).toBe(written);
});

it("rejects a document without the markers", () => {
  expect(() => writeTable("# Size\n", SIZES)).toThrow("no markers of sizes");
});

it.each([750, 1_250])("accepts %i bytes where 1 000 are documented", (minified) => {
  expect(complaintsOf(SIZES, new Map([...SIZES, ["a typical client", { ...SIZE, minified }]]))).toEqual([]);
});

it.each([749, 1_251])("rejects %i bytes where 1 000 are documented, and names the command", (minified) => {
  expect(complaintsOf(SIZES, new Map([...SIZES, ["a typical client", { ...SIZE, minified }]]))).toEqual([
    `a typical client, minified: ${minified === 749 ? "749" : "1 251"} bytes, documented 1 000 ± 25 %; npm run sizes renews them`,
  ]);
});

it("rejects a package that is not documented, and one that is gone", () => {
  const [client] = SIZES;
  const other = new Map([client ?? ["", SIZE], ["@ipc/new", SIZE]]);
  expect(complaintsOf(SIZES, other).map((complaint) => complaint.split(":")[0])).toEqual([
    ...["tarballs", "installed", "minified", "gzipped"].map((column) => `a typical client, ${column}`),
    ...["tarballs", "installed", "minified", "gzipped"].map((column) => `@ipc/new, ${column}`),
  ]);
});
