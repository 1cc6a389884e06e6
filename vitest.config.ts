import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The tests that put something else in the place of modules of Node's, and of their own. */
const REPLACE_MODULES = ["crypto", "transport"].flatMap((name) =>
  readdirSync(join(import.meta.dirname, "packages", name, "src"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".test.ts"))
    .map((file) => `packages/${name}/src/${file.replaceAll("\\", "/")}`)
    .filter((path) => readFileSync(join(import.meta.dirname, path), "utf8").includes("vi.mock(")),
);

/**
 * Files of the workspace that start first: those that take longest, which would end alone, and in front of them one that often
 * collects the garbage of its process, which has little then. vitest knows by itself only how long files took in an earlier run.
 */
const FIRST = [
  "packages/framing/src/frame-decoder.memory.test.ts",
  "apps/bench/src/bench.test.ts",
  "internal/conformance/src/ends.test.ts",
  "internal/conformance/src/frozen-peer.test.ts",
  "internal/fuzz/src/resume/resume.test.ts",
  "apps/bench/src/broker/broker.test.ts",
  "internal/models/src/resume.test.ts",
  "internal/stress/src/attack/attack.test.ts",
  "internal/stress/src/kill/kill-run.test.ts",
  "internal/stress/src/resume/resume.test.ts",
];

class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const projects = [...new Set(sorted.map(({ project }) => project.name))];
    const rank = ({ project, moduleId }: TestSpecification): number => {
      const place = FIRST.findIndex((path) => moduleId.endsWith(path));
      return projects.indexOf(project.name) * (FIRST.length + 1) + (place < 0 ? FIRST.length : place);
    };
    return sorted.sort((a, b) => rank(a) - rank(b));
  }
}

const FIXED_SEED = "internal/testkit/src/fixed-seed.ts";
const USUAL_UMASK = "packages/transport/test/usual-umask.ts";

export default defineConfig({
  test: {
    pool: "forks",
    // More than there are cores, because many tests wait rather than compute. A number: vitest takes a percentage of 100 at most.
    maxWorkers: Math.min(2 * availableParallelism(), 16),
    sequence: { sequencer: SlowestFirst },
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
          setupFiles: [USUAL_UMASK, "internal/testkit/src/forget-sockets.ts", "internal/testkit/src/set-up.ts"],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "apart",
          include: REPLACE_MODULES,
          setupFiles: [FIXED_SEED, USUAL_UMASK],
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
