// npm start [-- APP]: installs, builds and runs apps/APP; `simple` when no app is named.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { ROOT, SectionFailed } from "./section.mjs";
import { SECTIONS } from "./sections.mjs";

const [app = "simple", ...args] = process.argv.slice(2);
const apps = join(ROOT, "apps");
const names = existsSync(apps) ? readdirSync(apps).filter((name) => existsSync(join(apps, name, "package.json"))) : [];

try {
  if (!names.includes(app)) throw new SectionFailed(`no app ${app}; there are: ${names.join(", ") || "none"}`);
  await SECTIONS.install();
  await SECTIONS.build([]);
  const run = spawnSync(process.execPath, [join(apps, app, "dist", "main.js"), ...args], { stdio: "inherit" });
  process.exitCode = run.status ?? 1;
} catch (error) {
  if (!(error instanceof SectionFailed)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
