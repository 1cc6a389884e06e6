/** The sections and contestants that the words of `--only` pick out. */
export interface Selection {
  readonly sections: readonly string[];
  readonly contestants: readonly string[];
}

/**
 * Understands each word as the name of a contestant or a section, or as a part of one: of contestants first.
 * @param aliases other names of sections
 * @param otherwise the choice of each kind of which no word names one
 * @throws TypeError when a word names nothing
 */
export function select(
  words: readonly string[],
  { sections, contestants }: Selection,
  aliases: Readonly<Record<string, string>> = {},
  otherwise: Selection = { sections, contestants },
): Selection {
  const wanted = { sections: new Set<string>(), contestants: new Set<string>() };
  for (const word of words) {
    const alias = aliases[word];
    const named = [contestants, sections].map((all) => all.filter((name) => name === word));
    const partly = [contestants, sections].map((all) => all.filter((name) => name.includes(word)));
    const aliased = sections.filter((name) => name === alias);
    const found = [...named, aliased, ...partly].find((names) => names.length > 0);
    if (found === undefined) {
      throw new TypeError(`--only: nothing is called ${word}; ${near(word, [...sections, ...contestants])}`);
    }
    for (const name of found) (contestants.includes(name) ? wanted.contestants : wanted.sections).add(name);
  }
  const or = (kind: keyof Selection, all: readonly string[]): readonly string[] =>
    wanted[kind].size === 0 ? otherwise[kind] : all.filter((name) => wanted[kind].has(name));
  return { sections: or("sections", sections), contestants: or("contestants", contestants) };
}

/** The names that are most alike, and all of them if none is. */
export function near(word: string, names: readonly string[]): string {
  const alike = names.filter((name) => distance(word.toLowerCase(), name.toLowerCase()) <= Math.ceil(word.length / 3));
  return alike.length === 0 ? `there are ${names.join(", ")}` : `did you mean ${alike.join(" or ")}?`;
}

/** How many letters have to be added, dropped or changed. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (const [index, letter] of [...from].entries()) {
    let left = index + 1;
    row = row.map((above, at) => {
      if (at > 0) left = Math.min(above + 1, left + 1, (row[at - 1] as number) + (letter === to[at - 1] ? 0 : 1));
      return left;
    });
  }
  return row[to.length] as number;
}
