import { posix } from "node:path";

/**
 * What only the owner of the project can decide, and a release needs.
 * @typedef {object} Decisions
 * @property {string | undefined} REPOSITORY address of the repository, such as `https://github.com/OWNER/NAME`
 * @property {string | undefined} CONTACT address for reports of unacceptable behaviour, in CODE_OF_CONDUCT.md
 */

/** @type {Readonly<Decisions>} */
export const DECISIONS = { REPOSITORY: undefined, CONTACT: undefined };

/** What each decision fills in, and its form. */
const USES = {
  REPOSITORY: {
    place: "repository, homepage and bugs in each package.json, and the links of the READMEs",
    form: /^https:\/\/[^/\s]+\/[^/\s]+\/(?!\S+\.git$)[^/\s]+$/,
    example: "https://github.com/OWNER/NAME",
  },
  CONTACT: {
    place: "the place of [INSERT CONTACT METHOD] in CODE_OF_CONDUCT.md",
    form: /^(mailto:\S+@\S+|https:\/\/\S+)$/,
    example: "mailto:NAME@HOST",
  },
};

/**
 * Names what must be filled in before a release, and where.
 * @param {Readonly<Decisions>} decisions
 */
export function listUndecided(decisions) {
  const names = /** @type {(keyof Decisions)[]} */ (Object.keys(USES));
  return names
    .filter((name) => !USES[name].form.test(decisions[name] ?? ""))
    .map((name) => {
      const { place, example } = USES[name];
      const form = decisions[name] === undefined ? "" : `; it must be like ${example}`;
      return `${name} in scripts/release-metadata.mjs: ${place}${form}`;
    });
}

/**
 * Returns the repository's address.
 * @param {Readonly<Decisions>} decisions
 * @throws Error that names what is not decided
 */
export function decidedRepository(decisions) {
  const undecided = listUndecided(decisions);
  if (decisions.REPOSITORY !== undefined && undecided.length === 0) return decisions.REPOSITORY;
  throw new Error(["a release needs decisions; fill in:", ...undecided].join("\n  "));
}

/** The branch that links lead to. */
const BRANCH = "main";

/**
 * Returns the fields of a published manifest that name places on the web.
 * @param {string} folder the package's, relative to the top: `packages/client`
 * @param {string} repository
 */
export function releaseFields(folder, repository) {
  return {
    repository: { type: "git", url: `git+${repository}.git`, directory: folder },
    homepage: `${repository}/tree/${BRANCH}/${folder}#readme`,
    bugs: `${repository}/issues`,
  };
}

/**
 * Makes the relative links of a package's README or changelog absolute, because npm shows them without the other files.
 * @param {string} markdown
 * @param {string} folder
 * @param {string} repository
 */
export function absoluteLinks(markdown, folder, repository) {
  return markdown.replaceAll(/\]\((?![a-z]+:|#)([^)\s]+)\)/g, (_, /** @type {string} */ link) => {
    return `](${repository}/blob/${BRANCH}/${posix.join(folder, link)})`;
  });
}
