import { Arena, type ArenaPlan } from "./arena.js";
import { announcement, churn, crowd, flood, hoard, hoardOfClient, silence, silentServer } from "./attacks.js";
import type { Finding } from "./finding.js";
import type { Packing } from "./spray.js";
import type { Role } from "./victim-orders.js";
import { WIRES, type Wire } from "./wire.js";

/** How much of each attack. */
export interface Sizes {
  readonly silent: number;
  readonly churnSeconds: number;
  readonly peers: number;
  /** Of a flood that is read; where each has a cipher call a tenth, where it has several a hundredth. */
  readonly messages: number;
}

const FEW_DESCRIPTORS = { descriptors: 64 };
const CROWD = 200;
const PER_SECOND = 500;

const ROLES: readonly Role[] = ["server", "manager", "client"];
const HOSTS: readonly Role[] = ["server", "manager"];

type Attack = () => Promise<Finding>;

/** All attacks, in order. */
export function* attacks(sizes: Sizes): Generator<Attack> {
  for (const role of HOSTS) {
    const plan: ArenaPlan = { role, wire: "secure", reads: true };
    yield () => Arena.open(plan, (arena) => crowd(arena, CROWD), FEW_DESCRIPTORS);
    yield () => Arena.open(plan, hoard, FEW_DESCRIPTORS);
    yield () => Arena.open(plan, (arena) => silence(arena, sizes.silent));
    yield () => Arena.open(plan, (arena) => churn(arena, PER_SECOND, sizes.churnSeconds));
  }
  const client: ArenaPlan = { role: "client", wire: "secure", reads: true };
  yield () => Arena.open(client, hoardOfClient, FEW_DESCRIPTORS);
  yield () => Arena.open(client, silentServer);
  for (const role of ROLES) for (const wire of WIRES) yield* announcements(role, wire, sizes.peers);
  for (const reads of [false, true]) {
    for (const role of ROLES) for (const wire of WIRES) yield* floods({ role, wire, reads }, sizes.messages);
  }
}

function* announcements(role: Role, wire: Wire, peers: number): Generator<Attack> {
  const plan: ArenaPlan = { role, wire, reads: true };
  yield () => Arena.open(plan, (arena) => announcement(arena, "4 GiB frame", peers));
  if (wire === "secure") yield () => Arena.open(plan, (arena) => announcement(arena, "16 MiB record", peers));
  if (role === "manager") yield () => Arena.open(plan, (arena) => announcement(arena, "3 MiB frame", peers));
  if (role === "client" && wire === "plain") {
    yield () => Arena.open(plan, (arena) => announcement(arena, "4 GiB limits", peers));
  }
}

function* floods(plan: ArenaPlan, messages: number): Generator<Attack> {
  const packings: readonly Packing[] =
    plan.wire === "secure" ? ["batched", "record each", "record a byte"] : ["batched"];
  for (const packing of packings) {
    const count = plan.reads ? messages / costOf(plan.wire, packing) : messages;
    for (const bytes of [0, 1]) yield () => Arena.open(plan, (arena) => flood(arena, count, bytes, packing));
  }
}

function costOf(wire: Wire, packing: Packing): number {
  if (packing === "record a byte") return 100;
  return wire === "compatible" || packing === "record each" ? 10 : 1;
}
