import { expect, test } from "vitest";
import { feedCalls } from "./call-feed.js";

test("calls of 200 seeds end as they must", async () => {
  for (let seed = 0; seed < 200; seed++) await expect(feedCalls(seed)).resolves.toBeUndefined();
});
