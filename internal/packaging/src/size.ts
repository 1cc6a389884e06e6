import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { rolldown } from "rolldown";
import { findTarball, ROOT } from "./tarball.js";

/** Bytes of a package with everything it depends on. */
export interface Size {
  readonly tarballs: number;
  readonly installed: number;
  /** Of the minified program that a bundler makes. */
  readonly bundled: number;
}

/**
 * @param folder an installation of the packages
 * @param names the package, and the packages it depends on
 */
export async function measureSize(folder: string, tarballs: string, names: readonly string[]): Promise<Size> {
  const sizes = names.map(async (name) => {
    const tarball = await findTarball(tarballs, name);
    const { stdout } = await execa("tar", ["-xzOf", tarball]);
    return { packed: (await stat(tarball)).size, unpacked: Buffer.byteLength(stdout) };
  });
  const all = await Promise.all(sizes);
  const sum = (of: (size: (typeof all)[number]) => number): number => all.reduce((total, size) => total + of(size), 0);
  return {
    tarballs: sum(({ packed }) => packed),
    installed: sum(({ unpacked }) => unpacked),
    bundled: await bundledBytes(folder, `@ipc/${names[0]}`),
  };
}

async function bundledBytes(folder: string, name: string): Promise<number> {
  const entry = join(folder, "everything.mjs");
  await writeFile(entry, `export * from "${name}";\n`);
  const bundle = await rolldown({ cwd: folder, input: entry, platform: "node" });
  const { output } = await bundle.generate({ format: "esm", minify: true });
  await bundle.close();
  return Buffer.byteLength(output[0].code);
}

/** Reads the row of a package in docs/NODE.md. */
export async function documentedSize(name: string): Promise<Size> {
  const document = await readFile(join(ROOT, "docs", "NODE.md"), "utf8");
  const row = document.split("\n").find((line) => line.startsWith(`| @ipc/${name} |`)) ?? "";
  const [tarballs = 0, installed = 0, bundled = 0] = row
    .split("|")
    .slice(2)
    .map((cell) => Number(cell.replaceAll(" ", "")));
  return { tarballs, installed, bundled };
}
