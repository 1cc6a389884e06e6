import { writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../../../../internal/testkit/src/temporary-directory.js";
import { openSource, readAll, splitSource } from "./source.js";

const NEVER = new AbortController().signal;

async function piecesOf(chunks: readonly Uint8Array[], separator = 10): Promise<string[]> {
  const stream = Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
  const pieces: string[] = [];
  for await (const piece of splitSource({ stream }, separator, NEVER)) pieces.push(piece.toString("latin1"));
  return pieces;
}

describe("splitSource", () => {
  it.each([
    ["", []],
    ["a\nb\n", ["a", "b"]],
    ["a\nb", ["a", "b"]],
    ["\n\n", ["", ""]],
    ["a\r\n", ["a\r"]],
  ])("splits %j into %j", async (text, pieces) => {
    expect(await piecesOf([Buffer.from(text)])).toEqual(pieces);
  });

  it("splits alike however the input is cut", async () => {
    const bytes = fc.uint8Array({ max: 12 });
    await fc.assert(
      fc.asyncProperty(fc.array(bytes.map((each) => each.map((byte) => byte % 12))), async (chunks) => {
        const lines = Buffer.concat(chunks).toString("latin1").split("\n");
        if (lines[lines.length - 1] === "") lines.pop();
        expect(await piecesOf(chunks)).toEqual(lines);
      }),
    );
  });

  it("ends when the signal comes, and destroys the stream", async () => {
    const stream = new Readable({ read() {} });
    const controller = new AbortController();
    const next = splitSource({ stream }, 0, controller.signal).next();
    controller.abort();
    expect(await next).toEqual({ done: true, value: undefined });
    expect(stream.destroyed).toBe(true);
  });
});

describe("openSource", () => {
  it("reads a text, and a file after @", async () => {
    const file = join(temporaryDirectory(), "data");
    writeFileSync(file, "of a file");
    expect((await readAll(openSource("a text", "DATA"), NEVER)).toString()).toBe("a text");
    expect((await readAll(openSource(`@${file}`, "DATA"), NEVER)).toString()).toBe("of a file");
  });

  it("opens a file only when it is read, so that no error is uncaught before", async () => {
    const source = openSource("@/nowhere/x", "DATA");
    // By then a stream that was open would have failed.
    await expect(open("/nowhere/x")).rejects.toThrow("ENOENT");
    await expect(readAll(source, NEVER)).rejects.toMatchObject({ exitCode: 2 });
  });

  it("rejects a file that cannot be read, with the exit code 2", async () => {
    const wrong = readAll(openSource("@/nowhere/x", "DATA"), NEVER);
    await expect(wrong).rejects.toMatchObject({ exitCode: 2, message: expect.stringContaining("ENOENT") });
  });
});
