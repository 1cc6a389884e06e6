import { WIRES, type Wire } from "../traffic/wire.js";
import { announcement, churn, crowd, flood, hoard, hoardOfClient, silence, silentServer } from "./attacks.js";
import type { Finding } from "./finding.js";
import type { Packing } from "./message-flood.js";
import { type AttackPlan, type Setup, withSetup } from "./setup.js";
import type { Role } from "./target.js";

/** How much of each attack. */
export interface Sizes {
  readonly silent: number;
  readonly churnSeconds: number;
  readonly peers: number;
  /** The messages of a flood that is read: a tenth of them where each has a cipher call, a hundredth where it has several. */
  readonly messages: number;
}

/** Enough to load the program, whose modules Node opens at the same time. */
const FEW_DESCRIPTORS = { descriptors: 96 };
const CROWD = 200;
const PER_SECOND = 500;

const ROLES: readonly Role[] = ["server", "manager", "client"];
const HOSTS: readonly Role[] = ["server", "manager"];

type Attack = () => Promise<Finding>;

function attack<Size extends readonly unknown[]>(
  plan: AttackPlan,
  act: (setup: Setup, ...size: Size) => Promise<Finding>,
  ...size: Size
): Attack {
  return () => withSetup(plan, (setup) => act(setup, ...size));
}

/** All attacks, in order. */
export function* attacks(sizes: Sizes): Generator<Attack> {
  for (const role of HOSTS) {
    const plan: AttackPlan = { role, wire: "secure", reads: true };
    const poor = { ...plan, ...FEW_DESCRIPTORS };
    yield attack(poor, crowd, CROWD);
    yield attack(poor, hoard);
    yield attack(plan, silence, sizes.silent);
    yield attack(plan, churn, PER_SECOND, sizes.churnSeconds);
  }
  const client: AttackPlan = { role: "client", wire: "secure", reads: true };
  yield attack({ ...client, ...FEW_DESCRIPTORS }, hoardOfClient);
  yield attack(client, silentServer);
  for (const role of ROLES) for (const wire of WIRES) yield* announcements(role, wire, sizes.peers);
  for (const reads of [false, true]) {
    for (const role of ROLES) for (const wire of WIRES) yield* floods({ role, wire, reads }, sizes.messages);
  }
}

function* announcements(role: Role, wire: Wire, peers: number): Generator<Attack> {
  const plan: AttackPlan = { role, wire, reads: true };
  yield attack(plan, announcement, "4 GiB frame", peers);
  if (wire === "secure") yield attack(plan, announcement, "16 MiB record", peers);
  if (role === "manager") yield attack(plan, announcement, "3 MiB frame", peers);
  if (role === "client" && wire === "plain") {
    yield attack(plan, announcement, "4 GiB limits", peers);
  }
}

function* floods(plan: AttackPlan, messages: number): Generator<Attack> {
  const packings: readonly Packing[] =
    plan.wire === "secure" ? ["batched", "record each", "record a byte"] : ["batched"];
  for (const packing of packings) {
    const count = plan.reads ? messages / costOf(plan.wire, packing) : messages;
    for (const bytes of [0, 1]) yield attack(plan, flood, count, bytes, packing);
  }
}

function costOf(wire: Wire, packing: Packing): number {
  if (packing === "record a byte") return 100;
  return wire === "compatible" || packing === "record each" ? 10 : 1;
}
