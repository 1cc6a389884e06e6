import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { pnpmSection } from "./section.mjs";
import { printTestReport, TEST_REPORT, WORLD_REPORT } from "./test-report.mjs";

const QUIET = {
  TURBO_TELEMETRY_DISABLED: "1",
  TURBO_NO_UPDATE_NOTIFIER: "1",
  DO_NOT_TRACK: "1",
  ...(process.stdout.isTTY ? { FORCE_COLOR: "1" } : { NO_COLOR: "1" }),
};

/**
 * The steps of the workspace by name, each one usable after those above it. `flags` go to turbo.
 * @satisfies {Record<string, (flags: string[]) => Promise<void>>}
 */
export const SECTIONS = {
  install: () => pnpmSection("install", ["install", "--frozen-lockfile"], QUIET),

  build: (flags) => turbo("build", ["compile"], flags),

  check: (flags) =>
    turbo(
      "format, lint, types, dead code",
      ["check:style", "check:promises", "check:types", "check:unused", "--continue=always"],
      flags,
    ),

  test: async (flags) => {
    rmSync(TEST_REPORT, { force: true });
    try {
      await turbo("tests, arrows, packages", ["vitest"], flags);
    } finally {
      printTestReport();
    }
  },

  world: async () => {
    rmSync(WORLD_REPORT, { force: true });
    try {
      await pnpmSection(
        "tests with the world outside",
        [
          ...["exec", "vitest", "run", "--config", "vitest.world.config.ts", "--reporter=default", "--reporter=json"],
          `--outputFile.json=${WORLD_REPORT}`,
        ],
        QUIET,
      );
    } finally {
      printTestReport(WORLD_REPORT);
    }
  },

  reports: () =>
    pnpmSection(
      "diagram, API reports, reference and pictures of the command",
      ["exec", "vitest", "run", "arrows-document", "public-api", "command-document", "command-pictures", "--update"],
      QUIET,
    ),
};

/**
 * @param {string} title
 * @param {string[]} tasks
 * @param {string[]} flags
 */
function turbo(title, tasks, flags) {
  const quiet = [
    "--output-logs=errors-only",
    "--log-order=grouped",
    "--log-prefix=none",
    process.stdout.isTTY ? "--color" : "--no-color",
  ];
  // A check that decides on CI is carried out there, whatever a cache says.
  const force = process.env["CI"] ? ["--force"] : [];
  const args = ["exec", "turbo", "run", ...tasks, ...quiet, ...force, ...flags];
  return pnpmSection(title, args, { ...QUIET, IPC_TOOLCHAIN: toolchain() });
}

/** What a cached result depends on beside the files: results of one Node, Go or Spin say nothing about another. */
function toolchain() {
  /** @type {(tool: string, flag: string) => string} */
  const versionOf = (tool, flag) => {
    const { error, stdout } = spawnSync(tool, [flag], { encoding: "utf8" });
    return error ? `no ${tool}` : stdout.trim();
  };
  const tools = [versionOf("go", "version"), versionOf("spin", "-V"), versionOf("gcc", "-dumpversion")];
  return [process.platform, process.arch, process.version, ...tools].join(", ");
}
