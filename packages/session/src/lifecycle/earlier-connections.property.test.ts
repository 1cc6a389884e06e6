import { array, assert, asyncProperty, constant, oneof } from "fast-check";
import { expect, it } from "vitest";
import { keepWarnings } from "../../../../internal/testkit/src/process-warnings.js";
import { SuccessionModel } from "../../test/succession-model.js";

/** Most programs show nothing without several messages and changes of clients. The other steps have weight 1. */
const WEIGHTS: Readonly<Record<string, number>> = { connect: 6, send: 8, disconnect: 5, next: 4, read: 3 };

it("a write reaches the next client as soon as the earlier ones' messages are handled, in every program", async () => {
  const warnings = keepWarnings();
  const steps = Object.keys(new SuccessionModel().steps);
  const step = oneof(...steps.map((name) => ({ arbitrary: constant(name), weight: WEIGHTS[name] ?? 1 })));
  const run = async (program: readonly string[]): Promise<void> => {
    const model = new SuccessionModel();
    for (const name of program) {
      await model.steps[name]?.();
      await model.check();
    }
    model.destroy();
  };
  await assert(asyncProperty(array(step, { minLength: 4, maxLength: 30 }), run), { numRuns: 200 });
  // Listeners that fail are a part of the programs.
  expect(warnings.filter(([, options]) => (options as { code: string }).code !== "IPC_LISTENER_FAILED")).toEqual([]);
});
