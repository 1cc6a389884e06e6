import { SeededRandom } from "../random.js";
import { NUMBERED_HEADER_BYTES, type Side } from "../traffic/message.js";
import { READING_STYLES } from "../traffic/traffic.js";
import type { Wire } from "../traffic/wire.js";
import {
  type ConnectionPlan,
  type Direction,
  FAULTS,
  type Fault,
  type FaultKind,
  type FaultPlan,
  type Finale,
  LANES,
  type PeerPlan,
  type Shape,
} from "./fault-plan.js";

const MOST_FAULTS = 4;
const DIRECTIONS = ["toServer", "toClient"] as const;
const SIDES = ["server", "client"] as const;

/** Faults under which two sides can still be told to close. */
const LASTING: readonly FaultKind[] = ["dead", "vanish", "freeze"];

/** Without encryption no side can detect an altered byte; the mutations test its effect on frames and handshakes. */
const PLAIN: readonly FaultKind[] = FAULTS.filter((kind) => kind !== "flip");

/**
 * Bytes of a handshake, and at least so many around each message: how many share a record is not known beforehand, and the
 * place of a fault must be one that is reached.
 */
const WIRE_BYTES: Readonly<Record<Wire, Readonly<Record<Direction | "frame", number>>>> = {
  plain: { toServer: 10, toClient: 54, frame: 8 },
  compatible: { toServer: 99, toClient: 135, frame: 36 },
  secure: { toServer: 159, toClient: 231, frame: 8 },
};

const HANDSHAKE_SHARE = 0.35;
const FINISHED_SHARE = 0.7;
const SHAPED_SHARE = 0.5;
const LARGE_SHARE = 0.2;
const LARGEST_BYTES = 150_000;

/** In this share of the runs whose sides end under a fault, more is written than any socket holds, so that something is left to send. */
const HEAVY_SHARE = 0.4;
const HEAVY_SIZES: readonly number[] = new Array(40).fill(LARGEST_BYTES);

/** This share of the faults lasts longer than a handshake may take. */
const LONG_SHARE = 0.04;
const LONG_MS = 600;
const SHORT_TIMEOUT_MS = 400;

/** Longer than the watchdog waits: a time limit that is not taken down keeps its process busy, and is found. */
const TIMEOUT_MS = 60_000;

/** Everything about a seed is decided here, beforehand; what the kernel and the clock make of it is not. */
export function makePlan(seed: number): FaultPlan {
  const random = new SeededRandom(seed);
  const lane = LANES[seed % LANES.length] as (typeof LANES)[number];
  const peers = { server: makePeer(random), client: makePeer(random) };
  const finale = makeFinale(random);
  const total = totals(lane.wire, peers);
  const faults = random.integer(1, MOST_FAULTS);
  const connections: ConnectionPlan[] = [];
  for (let left = faults; left > 0; left--) {
    const lasts = left === 1 && finale.kind !== "finish";
    const kinds = lasts ? LASTING : lane.wire === "plain" ? PLAIN : FAULTS;
    const fault = makeFault(random, kinds, total, lane.wire);
    connections.push({ shapes: makeShapes(random), fault: lasts ? { ...fault, lingerMs: undefined } : fault });
  }
  if (finale.kind === "finish") connections.push({ shapes: makeShapes(random) });
  const isHeavy = finale.kind !== "finish" && random.chance(HEAVY_SHARE);
  // Behind all that faults are planned for.
  const more = (peer: PeerPlan): PeerPlan => ({ ...peer, sizes: [...peer.sizes, ...HEAVY_SIZES] });
  const loaded = isHeavy ? { server: more(peers.server), client: more(peers.client) } : peers;
  const isLong = connections.some(({ fault }) => fault?.lingerMs === LONG_MS);
  const handshakeTimeoutMs = isLong ? SHORT_TIMEOUT_MS : TIMEOUT_MS;
  return { seed, ...lane, connections, finale, handshakeTimeoutMs, peers: loaded };
}

function makePeer(random: SeededRandom): PeerPlan {
  const sizes = Array.from({ length: random.integer(3, 30) }, () => makeSize(random));
  if (random.chance(LARGE_SHARE)) sizes[random.integer(0, sizes.length - 1)] = random.integer(65_000, LARGEST_BYTES);
  const window = random.integer(1, 6);
  return {
    sizes,
    window,
    reading: random.pick(READING_STYLES),
    readPause: random.chance(0.3) ? random.integer(1, 4) : 0,
    // 16 times as much may wait, and the writes under way at once are to fit.
    maxQueuedBytes: random.magnitude(1_024 + (window * LARGEST_BYTES) / 16, 1_048_576),
    maxUnreadBytes: random.magnitude(1_024, 1_048_576),
  };
}

function makeSize(random: SeededRandom): number {
  if (random.chance(0.1)) return NUMBERED_HEADER_BYTES;
  return random.chance(0.7)
    ? random.magnitude(NUMBERED_HEADER_BYTES, 2_000)
    : random.magnitude(NUMBERED_HEADER_BYTES, 20_000);
}

function makeFinale(random: SeededRandom): Finale {
  const first = random.pick<Side | "both">([...SIDES, "both"]);
  if (random.chance(FINISHED_SHARE)) return { kind: "finish", first };
  return { kind: random.chance(0.7) ? "close" : "destroy", first, timeoutMs: random.integer(0, 150) };
}

/** The bytes that at least pass on a connection without a fault. */
function totals(wire: Wire, peers: FaultPlan["peers"]): Readonly<Record<Direction, number>> {
  const bytes = WIRE_BYTES[wire];
  const framed = ({ sizes }: PeerPlan): number => sizes.reduce((sum, size) => sum + size + bytes.frame, 0);
  return { toServer: bytes.toServer + framed(peers.client), toClient: bytes.toClient + framed(peers.server) };
}

function makeFault(
  random: SeededRandom,
  kinds: readonly FaultKind[],
  total: Readonly<Record<Direction, number>>,
  wire: Wire,
): Fault {
  const direction = random.pick(DIRECTIONS);
  const handshake = WIRE_BYTES[wire][direction];
  const inHandshake = random.chance(0.5) ? random.integer(0, 2) : random.integer(0, handshake - 1);
  const behind = random.integer(handshake, total[direction] - 1);
  return {
    kind: random.pick(kinds),
    direction,
    at: random.chance(HANDSHAKE_SHARE) ? inHandshake : behind,
    mask: random.integer(1, 255),
    side: random.pick(SIDES),
    lingerMs: random.chance(LONG_SHARE) ? LONG_MS : random.magnitude(1, 80),
  };
}

function makeShapes(random: SeededRandom): ConnectionPlan["shapes"] {
  return { toServer: makeShape(random), toClient: makeShape(random) };
}

function makeShape(random: SeededRandom): Shape {
  if (!random.chance(SHAPED_SHARE)) return { kind: "as they come" };
  const kind = random.pick(["delay", "split", "coalesce", "throttle", "pause"] as const);
  switch (kind) {
    case "delay":
      return { kind, ms: random.integer(1, 5) };
    case "split":
      return { kind, bytes: random.integer(1, 3), until: random.magnitude(10, 1_000) };
    case "coalesce":
      return { kind, bytes: random.magnitude(10, 100_000), ms: random.integer(1, 10) };
    case "throttle":
      return { kind, bytes: random.magnitude(1_000, 20_000) };
    case "pause":
      return { kind, at: random.magnitude(1, 10_000), ms: random.integer(1, 50) };
  }
}
