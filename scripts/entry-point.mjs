import { posix } from "node:path";

/**
 * One subpath of a package's `exports`.
 * @typedef {object} EntryPoint
 * @property {string} subpath `.`, `./handshake`, …
 * @property {string} path of its source below `src`, and of its files below `dist`, without an ending: `handshake/index`
 */

/**
 * Lists the entry points that `exports` names.
 * @param {{ exports: Record<string, string | { require: { default: string } }> }} manifest
 * @returns {EntryPoint[]}
 */
export function listEntryPoints(manifest) {
  return Object.entries(manifest.exports).flatMap(([subpath, target]) =>
    typeof target === "string"
      ? []
      : [{ subpath, path: target.require.default.replace(/^\.\/dist\//, "").replace(/\.js$/, "") }],
  );
}

/**
 * Returns the generated files of an entry point beside its CommonJS file and its declarations, by path in the package. The ESM
 * file re-exports the CommonJS file, so that both formats share classes and state.
 * @param {EntryPoint} entryPoint
 * @param {readonly string[]} names that it exports
 * @returns {[esm: [path: string, text: string], ...rest: [path: string, text: string][]]}
 */
export function entryPointFiles({ subpath, path }, names) {
  const commonJs = `"./${posix.basename(path)}.js"`;
  const list = names.map((name) => `  ${name},\n`).join("");
  return [
    [
      `dist/${path}.mjs`,
      names.length === 0 ? `import ${commonJs};\n\nexport {};\n` : `export {\n${list}} from ${commonJs};\n`,
    ],
    [`dist/${path}.d.mts`, `export * from ${commonJs};\n`],
    ...(subpath === "." ? [] : [folderManifest(subpath, path)]),
  ];
}

/**
 * A folder with a manifest, for resolvers that do not read `exports`: TypeScript's node10, ESLint's import plugin.
 * @param {string} subpath
 * @param {string} path
 * @returns {[path: string, text: string]}
 */
function folderManifest(subpath, path) {
  const folder = posix.normalize(subpath);
  const dist = posix.relative(folder, `dist/${path}`);
  return [`${folder}/package.json`, `${JSON.stringify({ main: `${dist}.js`, types: `${dist}.d.ts` }, null, 2)}\n`];
}
