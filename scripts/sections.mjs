import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import { ROOT, section } from "./section.mjs";
import { printTestReport, TEST_REPORT, WORLD_REPORT } from "./test-report.mjs";

/** The name of PATH in this process: that of Windows differs in case. */
const PATH = Object.keys(process.env).find((name) => name.toUpperCase() === "PATH") ?? "PATH";

const QUIET = {
  TURBO_TELEMETRY_DISABLED: "1",
  TURBO_NO_UPDATE_NOTIFIER: "1",
  DO_NOT_TRACK: "1",
  ...(process.stdout.isTTY ? { FORCE_COLOR: "1" } : { NO_COLOR: "1" }),
};

const { packageManager } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));

/**
 * The steps of the workspace by name, each one usable after those above it. `flags` go to turbo.
 * @satisfies {Record<string, (flags: string[]) => Promise<void>>}
 */
export const SECTIONS = {
  // npx fetches the pinned pnpm, so that nothing has to be installed beforehand.
  install: () =>
    section("install", "npx", ["--yes", packageManager, "install", "--frozen-lockfile"], {
      env: QUIET,
      // Windows starts npx.cmd through its shell only.
      shell: process.platform === "win32",
    }),

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
      await vitest("tests with the world outside", [
        ...["--config", "vitest.world.config.ts", "--reporter=default", "--reporter=json"],
        `--outputFile.json=${WORLD_REPORT}`,
      ]);
    } finally {
      printTestReport(WORLD_REPORT);
    }
  },

  reports: () =>
    vitest("diagram, API reports, reference and pictures of the command", [
      ...["arrows-document", "public-api", "command-document", "command-pictures", "--update"],
    ]),
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
  return installed(title, "turbo/bin/turbo", ["run", ...tasks, ...quiet, ...force, ...flags], {
    IPC_TOOLCHAIN: toolchain(),
  });
}

/**
 * @param {string} title
 * @param {string[]} args
 */
function vitest(title, args) {
  return installed(title, "vitest/vitest.mjs", ["run", ...args]);
}

/**
 * Runs an installed program, without npx and pnpm in between, which take more than a second of a processor to start. turbo looks for
 * pnpm on the PATH.
 *
 * @param {string} title
 * @param {string} program
 * @param {string[]} args
 * @param {Record<string, string>} [env] added to the environment
 */
function installed(title, program, args, env = {}) {
  return section(title, process.execPath, [join(ROOT, "node_modules", program), ...args], {
    env: { ...QUIET, [PATH]: `${join(ROOT, "node_modules", ".bin")}${delimiter}${process.env[PATH] ?? ""}`, ...env },
  });
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
