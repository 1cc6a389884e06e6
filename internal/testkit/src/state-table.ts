import { describe, expect, it } from "vitest";
import { outcomeOf } from "./outcome.js";

/** Makes one in that state, with nothing unread. */
type Maker<P> = () => Promise<P>;
type Call<P> = (peer: P) => unknown;

/** What every call of a class comes to in every state that its instances can be in. */
export interface StateTable<P> {
  readonly states: Readonly<Record<string, Maker<P>>>;
  /** One for every public member: the compiler knows which those are. */
  readonly calls: { readonly [K in keyof P]-?: Call<P> };
  /** Further ways to make some of these calls, each named after the member, a blank and a word. */
  readonly further?: Readonly<Record<string, Call<P>>>;
  /** Those of the calls that leave everything as it was: one peer is enough for all of them. */
  readonly steady: readonly string[];
  /** Members that are there when it runs, and protected. */
  readonly inner: readonly string[];
  /** What a call comes to, and the same in every state: such a call has no row in `cells`. */
  readonly uniform?: Readonly<Record<string, string>>;
  /**
   * In Markdown: a row for each call, a column for each state. A cell is what the call comes to: `done`, `itself`, a status, a
   * text, the code of a rejection, `throws` and what. `… what`: it waits until its peer is destroyed, and comes to that.
   */
  readonly cells: string;
}

/** Holds a class to its table, and the table to the class: no state, no call and no cell may be missing. */
export function describeStates<P extends { destroy(): void }>(kind: string, table: StateTable<P>): void {
  const [head = [], ...written] = readCells(table.cells);
  const states = head.slice(1);
  const uniform = Object.entries(table.uniform ?? {}).map(([call, cell]) => [call, ...states.map(() => cell)]);
  const rows = [...written, ...uniform];
  const calls = new Map<string, Call<P>>([
    ...Reflect.ownKeys(table.calls).map((key): [string, Call<P>] => [nameOf(key), table.calls[key as keyof P]]),
    ...Object.entries(table.further ?? {}),
  ]);

  describe(`the table of a ${kind} …`, () => {
    it("has a column for every state, and each row has a cell in it", () => {
      expect(states).toEqual(Object.keys(table.states));
      expect(rows.filter((row) => row.length !== head.length || row.includes(""))).toEqual([]);
    });

    it("has a row for every call", () => {
      expect(rows.map(([call]) => call).sort()).toEqual([...calls.keys()].sort());
    });

    it("has a row for every member that is not protected", async () => {
      const [make] = Object.values(table.states);
      const members = membersOf(await make?.());
      const missing = members.filter((name) => !calls.has(name) && !table.inner.includes(name));
      expect(missing).toEqual([]);
      expect(table.inner.filter((name) => !members.includes(name))).toEqual([]);
    });
  });

  const isSteady = ([call = ""]: readonly string[]): boolean => table.steady.includes(call);
  const outcome = (peer: P, call: string): ReturnType<typeof outcomeOf> =>
    outcomeOf(() => calls.get(call)?.(peer), peer);

  describe.each(Object.entries(table.states))(`a ${kind} %s`, (state, make) => {
    const cellOf = (row: readonly string[]): string => row[head.indexOf(state)] ?? "";

    it(`is the same after ${table.steady.join(", ")}`, async () => {
      const peer = await make();
      const found: Record<string, string | undefined> = {};
      for (const call of table.steady) found[call] = (await outcome(peer, call)).now;
      expect(found).toEqual(Object.fromEntries(rows.filter(isSteady).map((row) => [row[0], cellOf(row)])));
    });

    it.each(rows.filter((row) => !isSteady(row)).map((row) => [row[0] ?? "", cellOf(row)]))(
      "%s: %s",
      async (call, cell) => {
        const peer = await make();
        const { now, inTheEnd } = await outcome(peer, call);
        if (cell.startsWith("… ")) {
          expect(now).toBeUndefined();
          peer.destroy();
          expect(`… ${await inTheEnd}`).toBe(cell);
        } else {
          expect(await inTheEnd).toBe(cell);
        }
      },
    );
  });
}

function readCells(text: string): string[][] {
  return text
    .trim()
    .split("\n")
    .filter((line) => !line.includes("---"))
    .map((line) => {
      const [, ...cells] = line.split("|").map((cell) => cell.trim());
      return cells.slice(0, -1);
    });
}

/** The names of everything that an object has from its classes. */
function membersOf(object: unknown): string[] {
  const names = new Set<string>();
  for (let at = Object.getPrototypeOf(object); at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const key of Reflect.ownKeys(at)) names.add(nameOf(key));
  }
  names.delete("constructor");
  return [...names].sort();
}

/** A symbol by the last word of its description, which Node.js and the language begin differently. */
function nameOf(key: string | symbol): string {
  return typeof key === "symbol" ? (key.description?.split(".").at(-1) ?? "") : key;
}
