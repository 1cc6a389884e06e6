const COLUMNS = /** @type {const} */ (["tarballs", "installed", "minified", "gzipped"]);

/** The markers of docs/NODE.md between which the table is. */
const [BEGIN, END] = ["<!-- begin sizes -->\n", "<!-- end sizes -->\n"];

/**
 * How far a size may be from the documented one. Other compilers and other versions of zlib move it by some percent; a
 * dependency or a second copy of the code moves it further.
 */
const TOLERANCE = 0.25;

/** @typedef {import("./package-size.mjs").Size} Size */

/**
 * Replaces the table in a document.
 * @param {string} document
 * @param {ReadonlyMap<string, Size>} sizes
 */
export function writeTable(document, sizes) {
  const [before, , after] = split(document);
  const rows = [...sizes].map(
    ([name, size]) => `| ${[name, ...COLUMNS.map((column) => grouped(size[column]))].join(" | ")} |\n`,
  );
  const head = `| | ${COLUMNS.join(" | ")} |\n| --- |${" ---: |".repeat(COLUMNS.length)}\n`;
  return `${before}\n${head}${rows.join("")}\n${after}`;
}

/**
 * Reads the table of a document.
 * @param {string} document
 * @returns {Map<string, Size>}
 */
export function readTable(document) {
  const lines = split(document)[1]
    .split("\n")
    .filter((line) => /^\| [^|]*[a-z]/.test(line) && /\d/.test(line));
  return new Map(
    lines.map((line) => {
      const [name = "", ...cells] = line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim());
      const [tarballs = 0, installed = 0, minified = 0, gzipped = 0] = cells.map((cell) =>
        Number(cell.replaceAll(" ", "")),
      );
      return [name, { tarballs, installed, minified, gzipped }];
    }),
  );
}

/**
 * Says which sizes are not as a document has them, and which command renews them.
 * @param {ReadonlyMap<string, Size>} documented
 * @param {ReadonlyMap<string, Size>} measured
 */
export function complaintsOf(documented, measured) {
  const names = new Set([...documented.keys(), ...measured.keys()]);
  return [...names].flatMap((name) =>
    COLUMNS.flatMap((column) => {
      const [said, is] = [documented.get(name)?.[column] ?? 0, measured.get(name)?.[column] ?? 0];
      if (Math.abs(is - said) <= said * TOLERANCE) return [];
      return [
        `${name}, ${column}: ${grouped(is)} bytes, documented ${grouped(said)} ± 25 %; npm run sizes renews them`,
      ];
    }),
  );
}

/**
 * @param {string} document
 * @returns {[before: string, table: string, after: string]} the markers are with the first and the last one
 */
function split(document) {
  const [from, to] = [document.indexOf(BEGIN) + BEGIN.length, document.indexOf(END)];
  if (from < BEGIN.length || to < from) throw new Error("the document has no markers of sizes");
  return [document.slice(0, from), document.slice(from, to), document.slice(to)];
}

/** @param {number} value */
function grouped(value) {
  return String(value).replaceAll(/\B(?=(\d{3})+$)/g, " ");
}
