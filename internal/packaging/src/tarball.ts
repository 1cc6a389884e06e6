import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";

/** The top folder of the workspace. */
export const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** Finds the tarball that `packAll` left of `@ipc/<name>`. */
export async function findTarball(folder: string, name: string): Promise<string> {
  // The version follows, and no other package whose name begins in the same way.
  const file = (await readdir(folder)).find((entry) => new RegExp(`^ipc-${name}-\\d`).test(entry));
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
