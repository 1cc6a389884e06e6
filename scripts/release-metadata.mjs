import { posix } from "node:path";

/**
 * The address of the repository, such as `https://github.com/OWNER/NAME`. It is not decided: a release needs it.
 * @type {string | undefined}
 */
export const REPOSITORY = undefined;

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
