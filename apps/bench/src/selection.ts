/** What the words of `--only` pick out: everything of a kind where no word names one of it. */
export interface Selection {
  readonly sections: readonly string[];
  readonly contestants: readonly string[];
}

/**
 * Understands each word as the name of a contestant or a section, or as a part of one: of contestants first.
 * @param aliases other names of sections
 * @throws TypeError when a word names nothing
 */
export function select(
  words: readonly string[],
  { sections, contestants }: Selection,
  aliases: Readonly<Record<string, string>> = {},
): Selection {
  const wanted = { sections: new Set<string>(), contestants: new Set<string>() };
  for (const word of words) {
    const alias = aliases[word];
    const named = [contestants, sections].map((all) => all.filter((name) => name === word));
    const partly = [contestants, sections].map((all) => all.filter((name) => name.includes(word)));
    const found = [...named, alias === undefined ? [] : [alias], ...partly].find((names) => names.length > 0);
    if (found === undefined) {
      throw new TypeError(`--only: nothing is called ${word}; there are ${[...sections, ...contestants].join(", ")}`);
    }
    for (const name of found) (contestants.includes(name) ? wanted.contestants : wanted.sections).add(name);
  }
  const or = (some: ReadonlySet<string>, all: readonly string[]): string[] =>
    all.filter((name) => some.size === 0 || some.has(name));
  return { sections: or(wanted.sections, sections), contestants: or(wanted.contestants, contestants) };
}
