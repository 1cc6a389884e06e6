import { describe, expect, it } from "vitest";
import { besideRecorded, renew } from "./document.js";
import type { Results } from "./results.js";
import type { Sample } from "./schedule.js";

const sample = (contestant: string, figure: string, value: number): Sample => ({
  ...{ section: "exchange", at: 64, contestant, round: 0, seconds: 1 },
  outcome: { figures: { [figure]: value } },
});

const results = (machine: string, awaited: number): Results => ({
  ...{ machine, isQuick: false, minutes: 1, stolen: 0.25, contestants: [], notRun: [] },
  samples: [sample("plain", "awaited", awaited), sample("bare loop", "when it must", 100)],
});

describe("beside a new run", () => {
  const before = {
    machine: "the first",
    stolen: 0.25,
    values: { "one way 64 B, plaintext ÷ bare loop, every write awaited": 0.6 },
  };

  it("stands what came of the targets in the full run that was recorded before", () => {
    const { machine, before: recorded } = besideRecorded(results("the second", 70), results("the first", 60));
    expect({ machine, recorded }).toEqual({ machine: "the second", recorded: before });
  });

  it("stands the last full run where a quick one was recorded after it", () => {
    const quick = { ...results("a quick one", 1), isQuick: true, before };
    expect(besideRecorded(results("the second", 70), quick).before).toEqual(before);
  });
});

describe("a section that was measured anew", () => {
  const recorded = results("the first", 60);

  it("takes the place of the recorded one, and the run says so", () => {
    const delay: Sample = { ...sample("plain", "writerMs", 7), section: "loop delay" };
    const fresh = { ...results("later", 0), samples: [delay] };
    const { machine, samples, renewed } = renew(
      { ...recorded, samples: [...recorded.samples, { ...delay, round: 1 }] },
      fresh,
    );
    expect({ machine, renewed }).toEqual({ machine: "the first", renewed: { "loop delay": "later" } });
    expect(samples).toEqual([...recorded.samples, delay]);
  });

  it.each([
    ["a contestant was left out", { contestants: [{ name: "plain", what: "" }] }],
    ["it was measured at another pace", { isQuick: true }],
  ])("is refused where %s", (_why, other) => {
    expect(() => renew(recorded, { ...results("later", 70), ...other })).toThrow(TypeError);
  });
});
