import { describe, expect, it } from "vitest";
import { ManualClock } from "../../test/manual-clock.js";
import { Heartbeat, type HeartbeatMember } from "./heartbeat.js";

class Member implements HeartbeatMember {
  receivedBytes = 0;
  isInputPaused = false;
  /** The actions of the heartbeat, in order. */
  readonly events: string[] = [];
  onCall: (event: string) => void = () => {};

  ping(): void {
    this.#note("ping");
  }

  onSilent(silenceMs: number): void {
    this.#note(`silent ${silenceMs}`);
  }

  onResponsive(silenceMs: number): void {
    this.#note(`responsive ${silenceMs}`);
  }

  onIdle(silenceMs: number): void {
    this.#note(`idle ${silenceMs}`);
  }

  #note(event: string): void {
    this.events.push(event);
    this.onCall(event);
  }
}

interface Setup {
  readonly clock: ManualClock;
  readonly heartbeat: Heartbeat;
  readonly members: readonly Member[];
}

/** With the defaults a tick is 1 s, and PINGs are 8 ticks apart. */
function setUp({ heartbeatMs = 8_000, idleTimeoutMs = 0, count = 1 } = {}): Setup {
  const clock = new ManualClock();
  const heartbeat = new Heartbeat({ heartbeatMs, idleTimeoutMs }, clock);
  const members = Array.from({ length: count }, () => new Member());
  for (const member of members) heartbeat.join(member);
  return { clock, heartbeat, members };
}

const only = ({ members }: Setup): Member => members[0] as Member;

describe("a heartbeat", () => {
  it("sends three PINGs to a member from which nothing arrives, then reports it as silent, and sends no more", () => {
    const setup = setUp();
    // The first tick begins the silence.
    setup.clock.pass(1 + 7);
    expect(only(setup).events).toEqual([]);
    setup.clock.pass(1 + 16);
    expect(only(setup).events).toEqual(["ping", "ping", "ping"]);
    setup.clock.pass(100);
    expect(only(setup).events).toEqual(["ping", "ping", "ping", "silent 32000"]);
  });

  it("sends nothing to a member from which bytes arrive in each interval", () => {
    const setup = setUp();
    for (let round = 0; round < 20; round++) {
      only(setup).receivedBytes++;
      setup.clock.pass(8);
    }
    expect(only(setup).events).toEqual([]);
  });

  it("reports a member as responsive as soon as that receives bytes, and again after the next silence", () => {
    const setup = setUp();
    const { clock, heartbeat } = setup;
    const member = only(setup);
    clock.pass(1 + 32 + 5);
    member.events.length = 0;
    heartbeat.heard(member);
    expect(member.events).toEqual(["responsive 37000"]);
    member.receivedBytes++;
    clock.pass(1 + 32);
    expect(member.events.slice(1)).toEqual(["ping", "ping", "ping", "silent 32000"]);
  });

  it("reports a member as responsive at the next tick when that has not called", () => {
    const setup = setUp();
    setup.clock.pass(1 + 32);
    only(setup).receivedBytes++;
    setup.clock.pass(1);
    expect(only(setup).events.at(-1)).toBe("responsive 32000");
  });

  it("reads the bytes that have arrived before a late timer, before it reports a silence", () => {
    const setup = setUp();
    setup.clock.pass(1 + 31);
    setup.clock.fire();
    // The event loop reads what the kernel held while the process was busy.
    only(setup).receivedBytes++;
    setup.clock.slice();
    expect(only(setup).events).toEqual(["ping", "ping", "ping"]);
  });

  it("does not count the time in which a member does not read, and sends PINGs in it", () => {
    const setup = setUp({ idleTimeoutMs: 64_000 });
    const { clock } = setup;
    clock.pass(1 + 31);
    only(setup).isInputPaused = true;
    clock.pass(80);
    expect(only(setup).events).toEqual(Array.from({ length: 13 }, () => "ping"));
    only(setup).isInputPaused = false;
    clock.pass(1);
    expect(only(setup).events.at(-1)).toBe("silent 32000");
  });

  it("notifies a member that was silent for the idle time once when that leaves", () => {
    const setup = setUp({ heartbeatMs: 8_000, idleTimeoutMs: 20_000 });
    const { clock, heartbeat } = setup;
    const member = only(setup);
    member.onCall = (event) => {
      if (event.startsWith("idle")) heartbeat.leave(member);
    };
    clock.pass(100);
    expect(member.events).toEqual(["ping", "ping", "idle 20000"]);
  });

  it("notifies a member only of the idle time when it sends no PINGs", () => {
    const setup = setUp({ heartbeatMs: 0, idleTimeoutMs: 80_000 });
    expect([...setup.clock.timers].map(({ ms }) => ms)).toEqual([10_000]);
    setup.clock.pass(1 + 8);
    expect(only(setup).events).toEqual(["idle 80000"]);
  });

  it.each([
    [1, 1],
    [7, 1],
    [100, 12],
    [15_000, 1_875],
    [2_147_483_647, 268_435_455],
  ])("of %i ms has a tick of %i ms, and its first PING after that time at the earliest", (heartbeatMs, tickMs) => {
    const setup = setUp({ heartbeatMs });
    expect([...setup.clock.timers].map(({ ms }) => ms)).toEqual([tickMs]);
    const ticks = Math.ceil(heartbeatMs / tickMs);
    setup.clock.pass(1 + ticks - 1);
    expect(only(setup).events).toEqual([]);
    setup.clock.pass(1);
    expect(only(setup).events).toEqual(["ping"]);
  });
});

describe("the timer of a heartbeat", () => {
  it("is one for 10 000 members, from the first that joins until the last has left", () => {
    const { clock, heartbeat, members } = setUp({ count: 10_000 });
    clock.pass(20);
    expect([clock.timers.size, clock.started]).toEqual([1, 1]);
    for (const member of members.slice(1)) heartbeat.leave(member);
    expect(clock.timers.size).toBe(1);
    heartbeat.leave(members[0] as Member);
    expect(clock.timers.size).toBe(0);
    heartbeat.join(members[0] as Member);
    expect([clock.timers.size, clock.started]).toEqual([1, 2]);
  });

  it("does not exist when both times are 0", () => {
    const { clock } = setUp({ heartbeatMs: 0, idleTimeoutMs: 0 });
    expect(clock.timers.size).toBe(0);
  });
});

describe("a tick with many members", () => {
  it("visits each of them once, and yields after about 32 PINGs", () => {
    const { clock, members } = setUp({ count: 1_000 });
    clock.pass(8);
    clock.fire();
    let most = 0;
    let slices = 0;
    for (let before = 0; clock.slice(); slices++) {
      const sent = members.filter(({ events }) => events.length > 0).length;
      most = Math.max(most, sent - before);
      before = sent;
    }
    expect(members.every(({ events }) => events.join() === "ping")).toBe(true);
    expect(most).toBeLessThanOrEqual(32);
    expect(slices).toBeGreaterThanOrEqual(1_000 / 32);
  });

  it("is finished before the next one begins", () => {
    const { clock, members } = setUp({ count: 1_000 });
    clock.pass(8);
    clock.fire();
    clock.slice();
    clock.fire();
    while (clock.slice());
    expect(members.every(({ events }) => events.join() === "ping")).toBe(true);
  });

  it("skips those that leave during it, also when all leave and one joins again", () => {
    const { clock, heartbeat, members } = setUp({ count: 100 });
    clock.pass(8);
    const first = members[0] as Member;
    first.onCall = () => {
      for (const member of members) heartbeat.leave(member);
      heartbeat.join(first);
    };
    clock.pass(1 + 9);
    expect(members.map(({ events }) => events.length)).toEqual([2, ...Array.from({ length: 99 }, () => 0)]);
    expect([clock.timers.size, clock.slices.size]).toEqual([1, 0]);
  });
});

it("a heartbeat calls no member that has left, also when bytes arrive", () => {
  const setup = setUp({ count: 2 });
  const member = only(setup);
  setup.clock.pass(1 + 32);
  setup.heartbeat.leave(member);
  member.events.length = 0;
  setup.heartbeat.heard(member);
  setup.clock.pass(100);
  expect(member.events).toEqual([]);
});
