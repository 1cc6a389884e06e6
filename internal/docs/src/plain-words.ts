import { filesUnder } from "../../architecture/src/source-tree.js";

/** Files that hold prose. `run` is the program of the continuous integration. */
const TEXTS = [".ts", ".mts", ".mjs", ".js", ".go", ".sh", ".yml", ".yaml", ".json", ".md", "/run"];

// An underscore separates words, as in `_who` and `FOR_NOBODY`; `\b` would not see that.
const FORBIDDEN = /(?<![a-z0-9])(whoever|nobody|somebody|everybody|he|his|him|who)(?![a-z0-9])/gi;
const PERSON = /(?<![a-z0-9])(users?|developers?|attackers?|authors?|readers?|persons?|people|someone)$/i;
/** The characters between two words of a sentence: blanks, a line break, the marks of a comment or a quotation. */
const BETWEEN_WORDS = /[\s*/#>]+$/;

/** Lists every text file of the workspace, relative to the top, sorted. */
export function listTexts(): string[] {
  return filesUnder("", TEXTS);
}

/**
 * Returns a complaint, `path:line: rule`, for each pronoun of a person in a text. Software has no pronouns of persons: the
 * sentence names the client, server, peer, caller or connection instead.
 */
export function complaintsOf(path: string, text: string): string[] {
  return [...text.matchAll(FORBIDDEN)].flatMap(({ 0: word, index }) => {
    const before = text.slice(0, index);
    const isWho = word.toLowerCase() === "who";
    if (isWho && PERSON.test(before.replace(BETWEEN_WORDS, ""))) return [];
    const rule = isWho
      ? `"${word}" stands only after a word for people: user, developer, attacker, author, reader, person, people, someone`
      : `"${word}" is a pronoun of a person; name the client, server, peer, caller or connection`;
    return [`${path}:${before.split("\n").length}: ${rule}`];
  });
}
