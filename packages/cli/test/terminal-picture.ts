/** How a character looks. */
interface Style {
  readonly bold: boolean;
  readonly dim: boolean;
  readonly color: string | undefined;
}

interface Piece {
  readonly text: string;
  readonly style: Style;
}

const PLAIN: Style = { bold: false, dim: false, color: undefined };
const COLORS: Readonly<Record<number, string>> = { 31: "#ff7b72", 32: "#7ee787", 33: "#e3b341", 36: "#76e3ea" };
const ESCAPE = "\u001b";
/** Select Graphic Rendition, the only sequences that tmux gives. */
const SEQUENCE = new RegExp(`${ESCAPE}\\[([\\d;]*)m`);
/** Of a character, of the lines, and around them, in pixels. */
const [CHAR_PX, LINE_PX, EDGE_PX] = [8.4, 19, 16];

/** Draws what a terminal shows after a command line, as SVG. A line that is too long goes on in the next one. */
export function drawTerminal(commandLine: string, output: string, columns: number): string {
  const screen = `${ESCAPE}[2m$${ESCAPE}[0m ${commandLine}\n${output}`;
  const lines = screen.trimEnd().split("\n").flatMap(breakerOf(columns));
  const [width, height] = [columns * CHAR_PX + 2 * EDGE_PX, lines.length * LINE_PX + 2 * EDGE_PX];
  const rows = lines.map((pieces, index) => {
    const spans = pieces.map(drawPiece).join("");
    return `<text x="${EDGE_PX}" y="${EDGE_PX + LINE_PX * index + 14}">${spans}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    `<title>${escapeText(commandLine)}</title>`,
    `<rect width="${width}" height="${height}" rx="8" fill="#161b22"/>`,
    `<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" fill="#e6edf3" xml:space="preserve">`,
    ...rows,
    "</g>",
    "</svg>",
    "",
  ].join("\n");
}

/** Returns what makes pieces of lines; the style goes on from one line to the next. */
function breakerOf(columns: number): (line: string) => Piece[][] {
  let style = PLAIN;
  return (line) => {
    const lines: Piece[][] = [[]];
    let room = columns;
    const parts = line.trimEnd().split(SEQUENCE);
    parts.forEach((part, index) => {
      if (index % 2 === 1) style = part.split(";").map(Number).reduce(restyle, style);
      else
        for (const character of part) {
          if (room === 0) {
            lines.push([]);
            room = columns;
          }
          room--;
          lines.at(-1)?.push({ text: character, style });
        }
    });
    return lines.map(joinAlike);
  };
}

function restyle(style: Style, code: number): Style {
  if (code === 0) return PLAIN;
  if (code === 1) return { ...style, bold: true };
  if (code === 2) return { ...style, dim: true };
  if (code === 22) return { ...style, bold: false, dim: false };
  // The default background, which is that of every picture.
  if (code === 49) return style;
  if (code === 39 || COLORS[code] !== undefined) return { ...style, color: COLORS[code] };
  throw new Error(`the terminal shows a style that no picture has: ${code}`);
}

function joinAlike(pieces: readonly Piece[]): Piece[] {
  const joined: Piece[] = [];
  for (const { text, style } of pieces) {
    const last = joined.at(-1);
    if (last !== undefined && JSON.stringify(last.style) === JSON.stringify(style)) {
      joined[joined.length - 1] = { text: last.text + text, style };
    } else joined.push({ text, style });
  }
  return joined;
}

function drawPiece({ text, style: { bold, dim, color } }: Piece): string {
  const escaped = escapeText(text);
  const looks = [bold && ' font-weight="bold"', dim && ' opacity="0.6"', color !== undefined && ` fill="${color}"`];
  const attributes = looks.filter(Boolean).join("");
  return attributes === "" ? escaped : `<tspan${attributes}>${escaped}</tspan>`;
}

function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
