import { describe } from "vitest";

/** As `describe`, with the path of a program that the tests need. Skipped, and the title says why, where there is none. */
export function describeWith(
  program: { readonly path: string } | { readonly missing: string },
  title: string,
  body: (path: string) => void,
  group: typeof describe | typeof describe.concurrent = describe,
): void {
  if ("path" in program) group(title, () => body(program.path));
  else describe.skip(`${title} (skipped: ${program.missing})`, () => body(""));
}
