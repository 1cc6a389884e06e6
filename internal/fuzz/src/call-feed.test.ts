import { expect, test } from "vitest";
import { feedCalls } from "./call-feed.js";

test("every call settles and nothing is left behind, for 200 seeds", async () => {
  for (let seed = 0; seed < 200; seed++) await expect(feedCalls(seed)).resolves.toBeUndefined();
});
