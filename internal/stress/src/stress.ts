// Plays a scenario on processes of its own. usage: stress.js SCENARIO [--OPTION N …] [--record]. Without a scenario it lists them.
import { attack } from "./attack/attack.js";
import { strangers } from "./attack/strangers.js";
import { kill } from "./kill/kill.js";
import { network } from "./network/network.js";
import { ownership } from "./ownership/ownership.js";
import { resume } from "./resume/resume.js";
import { comeAndGo } from "./scale/come-and-go.js";
import { idleConnections } from "./scale/idle-connections.js";
import { manyClients } from "./scale/many-clients.js";
import { stalledReader } from "./scale/stalled-reader.js";
import { playScenario, type Scenario } from "./scenario.js";
import { soak } from "./soak/soak.js";

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  network,
  kill,
  ownership,
  attack,
  strangers,
  soak,
  resume,
  "many-clients": manyClients,
  "stalled-reader": stalledReader,
  "come-and-go": comeAndGo,
  "idle-connections": idleConnections,
};

const [name = "", ...args] = process.argv.slice(2);
const scenario = Object.hasOwn(SCENARIOS, name) ? SCENARIOS[name] : undefined;
if (scenario === undefined) {
  const lines = Object.entries(SCENARIOS).map(([each, { what, options }]) => {
    const defaults = Object.entries(options).map(([option, value]) => ` [--${option} ${value}]`);
    return `  ${each}${defaults.join("")}\n      ${what}`;
  });
  console.error(`usage: npm run stress -- SCENARIO [--OPTION N …] [--record]\n\n${lines.join("\n")}`);
  process.exitCode = 1;
} else {
  await playScenario(name, scenario, args);
}
