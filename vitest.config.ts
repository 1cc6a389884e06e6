import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** Their tests put something else in the place of modules of Node's, and of their own. */
const REPLACE_MODULES = ["packages/crypto/src/**/*.test.ts", "packages/transport/src/**/*.test.ts"];

const FIXED_SEED = "internal/testkit/src/fixed-seed.ts";

export default defineConfig({
  test: {
    pool: "forks",
    // More than there are cores, because many tests wait rather than compute. A number: vitest takes a percentage of 100 at most.
    maxWorkers: Math.ceil(1.5 * availableParallelism()),
    // For tests that count what is left after a garbage collection.
    execArgv: ["--expose-gc"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // A snapshot that is missing is stale too: `npm run reports` writes them.
    update: "none",
    // A test compiles the source of its own package; the other packages are what their users get, bundled before the tests.
    globalSetup: "scripts/bundle-before-tests.mjs",
    server: { deps: { external: [/\/packages\/[^/]+\/dist\//] } },
    projects: [
      {
        extends: true,
        test: {
          name: "workspace",
          include: [
            "packages/*/src/**/*.test.ts",
            "apps/*/src/**/*.test.ts",
            "internal/*/src/**/*.test.ts",
            "scripts/*.test.mjs",
          ],
          exclude: ["internal/packaging/**", ...REPLACE_MODULES],
          // What a test leaves behind is a defect, also in the eyes of the next one; and it takes half the time.
          isolate: false,
          setupFiles: [
            "internal/testkit/src/real-clock.ts",
            "internal/testkit/src/forget-sockets.ts",
            "internal/testkit/src/unhurried-timers.ts",
            "internal/testkit/src/node-timers.ts",
            "internal/testkit/src/unexpected-warnings.ts",
            FIXED_SEED,
          ],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "apart",
          include: REPLACE_MODULES,
          setupFiles: [FIXED_SEED, "packages/transport/test/usual-umask.ts"],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          // After the others: it keeps both cores busy, and some of the others look at the clock.
          name: "packaging",
          include: ["internal/packaging/src/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1, concurrent: true },
        },
      },
    ],
  },
});
