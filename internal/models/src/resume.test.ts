import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { missingTools, verify } from "./spin.js";

const MODEL = fileURLToPath(new URL("resume.pml", import.meta.url));
/** Some seconds; much longer while the machine is busy. */
const TIMEOUT_MS = 300_000;

const missing = missingTools();
const why = missing === undefined ? "" : ` (skipped: ${missing})`;

describe.skipIf(missing !== undefined)(`the model of resume${why}`, { timeout: TIMEOUT_MS }, () => {
  it("delivers each message once and in order, comes to an end, and tells the truth about a lost session", async () => {
    const { error, unreached } = await verify(MODEL);
    expect(error).toBeUndefined();
    // A model in which nothing happens would prove everything.
    expect(unreached).toEqual(["intruder: its end", "server: its end"]);
  });

  it.each([
    ["counts a message twice without the end of the old connection before the answer", "NOFENCE", /assertion violated/],
    ["stands still without attempt numbers", "NOATTEMPT", /invalid end state/],
    ["waits for a lost message if the server ignores the client's count", "NOREWIND", /invalid end state/],
    ["gives the session to another holder of the pre-shared key without the proof", "NOPROOF", /assertion violated/],
    ["gives the session to a relay if the proof is not bound to the connection", "NOBINDING", /assertion violated/],
    ["resends to an impostor without the server's proof", "NOSERVERPROOF", /assertion violated/],
    ["calls lost messages arrived if the counts of an unproved answer are believed", "BELIEVED", /assertion violated/],
    ["locks a client out if a full server does not hear its RESUME", "NOROOM", /invalid end state/],
  ])("%s", async (_claim, macro, expected) => {
    expect((await verify(MODEL, [macro])).error).toMatch(expected);
  });
});
