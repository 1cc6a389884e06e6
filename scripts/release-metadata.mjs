import { posix } from "node:path";

/**
 * What only the owner of the project can decide, and a release needs.
 * @typedef {object} Decisions
 * @property {string | undefined} REPOSITORY address of the repository, such as `https://github.com/OWNER/NAME`
 * @property {string | undefined} CONTACT address for reports of unacceptable behaviour, in CODE_OF_CONDUCT.md
 */

/** @type {Readonly<Decisions>} */
export const DECISIONS = { REPOSITORY: undefined, CONTACT: undefined };

/** What each decision fills in. */
const USES = {
  REPOSITORY: "repository, homepage and bugs in each package.json, and the links of the READMEs",
  CONTACT: "the place of [INSERT CONTACT METHOD] in CODE_OF_CONDUCT.md",
};

/**
 * Names what must be filled in before a release, and where.
 * @param {Readonly<Decisions>} decisions
 */
export function listUndecided(decisions) {
  const names = /** @type {(keyof Decisions)[]} */ (Object.keys(USES));
  return names
    .filter((name) => decisions[name] === undefined)
    .map((name) => `${name} in scripts/release-metadata.mjs: ${USES[name]}`);
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
 * Makes the relative links of a package's README absolute, because the page of the package on npm has no other files beside it.
 * @param {string} markdown
 * @param {string} folder
 * @param {string} repository
 */
export function absoluteLinks(markdown, folder, repository) {
  return markdown.replaceAll(/\]\((?![a-z]+:|#)([^)\s]+)\)/g, (_, /** @type {string} */ link) => {
    return `](${repository}/blob/${BRANCH}/${posix.join(folder, link)})`;
  });
}
