import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";

/** The top folder of the workspace. */
export const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** The package of a tarball, whose version follows its name. */
export function nameOf(tarball: string): string {
  return `@ipc/${/^ipc-([a-z-]+)-\d/.exec(tarball)?.[1]}`;
}

/** Finds the tarball that `packAll` left of `@ipc/<name>`. */
export async function findTarball(folder: string, name: string): Promise<string> {
  const file = (await readdir(folder)).find((entry) => nameOf(entry) === `@ipc/${name}`);
  if (file === undefined) throw new Error(`no tarball of @ipc/${name} in ${folder}`);
  return join(folder, file);
}

/** Lists the files of a tarball, relative to the package. */
export async function listFiles(tarball: string): Promise<string[]> {
  const { stdout } = await execa("tar", ["-tzf", tarball]);
  return stdout.split("\n").map((file) => file.replace(/^package\//, ""));
}

/** Reads a file of a tarball, named relative to the package. */
export async function readFromTarball(tarball: string, file: string): Promise<string> {
  return (await execa("tar", ["-xzOf", tarball, `package/${file}`], { stripFinalNewline: false })).stdout;
}
