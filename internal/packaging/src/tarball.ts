import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import manifest from "../../../package.json" with { type: "json" };

/** The top folder of the workspace. */
export const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** Packs every package into `folder`, as it would be published: versions in place of `workspace:`. */
export async function packAll(folder: string): Promise<void> {
  const pnpm = ["--yes", manifest.packageManager];
  await execa("npx", [...pnpm, "-r", "--filter", "./packages/*", "pack", "--pack-destination", folder], { cwd: ROOT });
}

/** Finds the tarball that `packAll` left of `@ipc/<name>`. */
export async function findTarball(folder: string, name: string): Promise<string> {
  const file = (await readdir(folder)).find((entry) => entry.startsWith(`ipc-${name}-`));
  if (file === undefined) throw new Error(`no tarball of @ipc/${name} in ${folder}`);
  return join(folder, file);
}
