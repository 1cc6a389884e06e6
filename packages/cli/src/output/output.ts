import type { Writable } from "node:stream";
import { styleText } from "node:util";
import { visible, visibleJson } from "./visible-text.js";

/** How a text stands out, where there are colours. */
export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** A stream that may be a terminal, such as `process.stdout`. */
export type Screen = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** How data is printed: for people, as JSON Lines, or payloads only. */
export type Format = "text" | "json" | "raw";

/** The options of every command that say how it prints. */
export interface OutputOptions {
  readonly json: boolean;
  readonly raw: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly noColor: boolean;
}

/** Prints data on stdout and everything else on stderr. */
export class Output {
  readonly format: Format;
  readonly #stdout: Screen;
  readonly #stderr: Screen;
  readonly #quiet: boolean;
  readonly #verbose: boolean;
  readonly #colors: boolean;
  /** Whether the reader of stdout has gone: a command then ends quietly. */
  #isClosed = false;
  readonly #signal: AbortSignal;
  /** The wait for room in stdout; undefined while there is some. */
  #room: Promise<void> | undefined;

  /** @param signal ends every wait for room, because the command must print its summary and end */
  constructor(
    options: OutputOptions,
    { stdout, stderr }: { readonly stdout: Screen; readonly stderr: Screen },
    signal: AbortSignal,
  ) {
    this.format = options.json ? "json" : options.raw ? "raw" : "text";
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.#signal = signal;
    this.#quiet = options.quiet;
    this.#verbose = options.verbose;
    stdout.once("error", () => {
      this.#isClosed = true;
    });
    this.#colors = !options.noColor && hasColors(process.env);
  }

  /** Prints a text for people, broken between words where a terminal ends, with `indent` before each line but the first. */
  paragraph(text: string, indent: string): Promise<void> {
    const width = this.#stdout.columns ?? Number.POSITIVE_INFINITY;
    return this.line(wrap(text, width - indent.length).join(`\n${indent}`));
  }

  /** Prints data for people: a line. Resolves when there is room for more. */
  line(text: string): Promise<void> {
    return this.bytes(`${text}\n`);
  }

  /** Prints a value as a line of JSON. Resolves as `line`. */
  json(value: unknown): Promise<void> {
    return this.bytes(`${visibleJson(JSON.stringify(value))}\n`);
  }

  /** Prints bytes as they are. Resolves as `line`. */
  bytes(data: string | Uint8Array): Promise<void> {
    if (this.#stdout.write(data) || this.#signal.aborted) return Promise.resolve();
    // One wait for all that print meanwhile, such as the connections of a server.
    this.#room ??= new Promise((resolve) => {
      const done = (): void => {
        this.#stdout.off("drain", done).off("close", done);
        this.#signal.removeEventListener("abort", done);
        this.#room = undefined;
        resolve();
      };
      // Closed: nothing reads any more, and the command is told by its signal.
      this.#stdout.on("drain", done).on("close", done);
      this.#signal.addEventListener("abort", done);
    });
    return this.#room;
  }

  /** Tells on stderr what a command has done. */
  note(text: string): void {
    if (!this.#quiet && !this.#isClosed) this.#stderr.write(`${text}\n`);
  }

  /** Tells on stderr what happens on the way, if `--verbose` asks. */
  detail(text: string): void {
    if (this.#verbose) this.#stderr.write(`${this.#style("dim", text, this.#stderr)}\n`);
  }

  /** Reports a failure on stderr. */
  failure(text: string): void {
    this.#stderr.write(`${this.#style("red", "error", this.#stderr)}: ${visible(text)}\n`);
  }

  /** Styles a text of `line`. */
  style(style: Style, text: string): string {
    return this.#style(style, text, this.#stdout);
  }

  #style(style: Style, text: string, { isTTY }: Screen): string {
    return this.#colors && isTTY === true ? styleText(style, text) : text;
  }
}

/** Breaks a text into lines between words. A word that is longer than a line has one of its own. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length >= width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

/** @see https://no-color.org */
function hasColors(env: NodeJS.ProcessEnv): boolean {
  const { NO_COLOR, TERM } = env as { readonly NO_COLOR?: string; readonly TERM?: string };
  return (NO_COLOR === undefined || NO_COLOR === "") && TERM !== "dumb";
}
