// Runs the measurements of one section of docs/SCALE.md and writes it. Exits 1 when a target is missed.
// usage: record.js many-clients | stalled-reader | come-and-go
import { comeAndGoSection } from "./come-and-go-section.js";
import { manyClientsSection } from "./many-clients-section.js";
import { describeMachine, type Section, writeSection } from "./scale-document.js";
import { stalledReaderSection } from "./stalled-reader-section.js";

const SECTIONS: Readonly<Record<string, () => Promise<Section>>> = {
  "many-clients": manyClientsSection,
  "stalled-reader": stalledReaderSection,
  "come-and-go": comeAndGoSection,
};

const name = process.argv[2] ?? "";
const measure = SECTIONS[name];
if (measure === undefined) throw new Error(`${name}: takes one of ${Object.keys(SECTIONS).join(", ")}`);
const machine = describeMachine();
const { lines, met } = await measure();
const all = [machine, "", ...lines];
console.log(all.join("\n"));
await writeSection(name, all);
console.log(`\nWritten to docs/SCALE.md.`);
process.exitCode = met ? 0 : 1;
