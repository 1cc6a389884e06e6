// Installs the programs without which tests are skipped, where apt-get is there to do it. usage: node scripts/system-tools.mjs
import { spawnSync } from "node:child_process";

/** Programs, and the Debian packages that bring what their tests need. */
const TOOLS = {
  // The models of internal/models.
  spin: ["spin", "gcc", "libc6-dev"],
  // The tests of the command ipc in a terminal, and of its completion.
  tmux: ["tmux"],
  zsh: ["zsh"],
  fish: ["fish"],
};

/**
 * @param {string} command
 * @param {...string} args
 */
function isThere(command, ...args) {
  return spawnSync(command, args, { stdio: "ignore" }).error === undefined;
}

/** @param {...string} args */
function aptGet(...args) {
  const command = ["apt-get", "-qq", ...args];
  // A runner of GitHub is not root, and may become it.
  const [program = "", ...rest] = process.getuid?.() === 0 ? command : ["sudo", "--non-interactive", ...command];
  return spawnSync(program, rest, { stdio: ["ignore", "ignore", "inherit"] }).status === 0;
}

const missing = Object.entries(TOOLS).filter(([program]) => !isThere(program, "--version"));
const names = missing.map(([program]) => program).join(", ");
const packages = missing.flatMap(([, names]) => names);
if (missing.length === 0) {
  console.log(`${Object.keys(TOOLS).join(", ")}: there`);
} else if (!isThere("apt-get", "--version")) {
  console.log(`${names}: not there, and no apt-get; their tests are skipped`);
} else if (aptGet("update") && aptGet("install", "--yes", "--no-install-recommends", ...packages)) {
  console.log(`${names}: installed`);
} else {
  console.error(`${names}: apt-get could not install ${packages.join(" ")}; their tests are skipped`);
  process.exitCode = 1;
}
