import { chmodSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Place } from "../process/place.js";
import { intrude } from "./intruder-run.js";
import { FIRST_USER, isRoot, NEEDS_ROOT, SECOND_USER } from "./other-user.js";
import { SOCKET, startOwner } from "./owner.js";

const STARTS = 10;
/** It takes some seconds; a machine that is busy with something else may take long. */
const TIMEOUT_MS = 120_000;
/** As /tmp. */
const OPEN = 0o1777;
const WRITABLE_BY_ITS_OWNER = 0o755;

describe("a second user", { timeout: TIMEOUT_MS }, () => {
  it(`never connects through ${STARTS} starts under umask 0, trying in a loop`, async ({ skip }) => {
    skip(!isRoot, NEEDS_ROOT);
    const { outcomes } = await intrude(STARTS);
    expect(outcomes["entered"]).toBeUndefined();
    expect(outcomes["EACCES"]).toBeGreaterThanOrEqual(STARTS);
  });

  it("is rejected by default, and accepted with unmaskPermissions and trustedOwners", async ({ skip }) => {
    skip(!isRoot, NEEDS_ROOT);
    await Place.lend(async (place) => {
      chmodSync(place.directory, OPEN);
      const [owner, other] = await Promise.all([startOwner(place, FIRST_USER), startOwner(place, SECOND_USER)]);
      const outcomes: string[] = [];
      for (const unmaskPermissions of [false, true]) {
        expect(await owner.call("listen", { unmaskPermissions })).toBe("ok");
        expect(await owner.call("dial")).toBe("ok");
        for (const trustedOwners of [[], [FIRST_USER]]) {
          const outcome = await other.call("dial", trustedOwners);
          outcomes.push(`${unmaskPermissions ? "0777" : "0600"}, ${trustedOwners.length} trusted: ${outcome}`);
        }
        await owner.call("close");
      }
      expect(outcomes).toEqual([
        "0600, 0 trusted: IPC_UNTRUSTED_SOCKET",
        "0600, 1 trusted: IPC_PERMISSION_DENIED",
        "0777, 0 trusted: IPC_UNTRUSTED_SOCKET",
        "0777, 1 trusted: ok",
      ]);
      await Promise.all([owner.end(), other.end()]);
    });
  });

  it("cannot take a name in a directory that it may not write, or of another user's server, live or killed; nor can root", async ({
    skip,
  }) => {
    skip(!isRoot, NEEDS_ROOT);
    await Place.lend(async (place) => {
      const [owner, next, root, other] = await Promise.all([
        startOwner(place, FIRST_USER),
        startOwner(place, FIRST_USER),
        startOwner(place),
        startOwner(place, SECOND_USER),
      ]);
      chmodSync(place.directory, WRITABLE_BY_ITS_OWNER);
      expect(await other.call("listen")).toBe("IPC_PERMISSION_DENIED");
      place.assertHolds();
      chmodSync(place.directory, OPEN);
      expect(await owner.call("listen", { unmaskPermissions: true })).toBe("ok");
      const live = [await other.call("listen"), await root.call("listen"), await next.call("listen")];
      await owner.kill();
      const killed = [await other.call("listen"), await root.call("listen")];
      expect([...live, ...killed]).toEqual(Array.from({ length: 5 }, () => "IPC_ADDRESS_IN_USE"));
      place.assertHolds(SOCKET);
      expect(await next.call("listen")).toBe("ok");
      await next.call("close");
      place.assertHolds();
      await Promise.all([next.end(), root.end(), other.end()]);
    });
  });
});
