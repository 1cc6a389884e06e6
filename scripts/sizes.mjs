// Packs the packages, measures what they take on a disk and in a bundle, and writes the table of docs/NODE.md.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { measureSizes } from "./package-size.mjs";
import { packAll } from "./release-copy.mjs";
import { ROOT } from "./section.mjs";
import { writeTable } from "./size-table.mjs";

const DOCUMENT = join(ROOT, "docs", "NODE.md");

const tarballs = await mkdtemp(join(tmpdir(), "ipc-tarballs-"));
try {
  await packAll(tarballs);
  await writeFile(DOCUMENT, writeTable(await readFile(DOCUMENT, "utf8"), await measureSizes(tarballs)));
} finally {
  await rm(tarballs, { recursive: true, force: true });
}
