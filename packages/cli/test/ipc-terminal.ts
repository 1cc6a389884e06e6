import { execFile, execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { describe, onTestFinished } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { IPC, plainEnvironment } from "./ipc-process.js";

const run = promisify(execFile);
/** What the shell prints after the command: its exit code. The end of a colour may stand before it. */
const END = new RegExp(`^(?:${"\u001b"}\\[[\\d;]*m)*\\[ended (\\d+)\\]$`, "m");
const missing = whyNoTmux();

/** As `describe`, for terminals of these widths; skipped, and the title says why, where there is no tmux. */
export function describeInTerminal(title: string, body: (columns: number) => void, widths = [80, 40]): void {
  if (missing === undefined) describe.each(widths)(`${title}, in a terminal of %i columns`, body);
  else describe.skip(`${title} (skipped: ${missing})`, () => body(80));
}

export interface TerminalOptions {
  readonly columns: number;
  /** The lines of the screen. @default 60 */
  readonly rows?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Shows colours as the sequences that make them, and lines that the terminal has broken as one. @default false */
  readonly colors?: boolean;
}

/** The command in a terminal of its own, which tmux draws. It is killed when the test is over. */
export class IpcTerminal {
  readonly #socket = `ipc-test-${process.pid}-${randomBytes(4).toString("hex")}`;
  readonly #colors: boolean;

  private constructor(colors: boolean) {
    this.#colors = colors;
  }

  /** Starts a command, which the shell reads: `ping orders`; of several, each one when that before it has ended. */
  static async start(
    commands: string | readonly string[],
    { columns, rows = 60, env = {}, colors = false }: TerminalOptions,
  ): Promise<IpcTerminal> {
    const terminal = new IpcTerminal(colors);
    onTestFinished(() => void terminal.#tmux("kill-server").catch(() => {}));
    const all = [commands].flat().map((command) => `'${process.execPath}' '${IPC}' ${command}; `);
    const script = `${all.join("")}echo "[ended $?]"; tmux wait-for -S ended; cat`;
    const size = ["-x", String(columns), "-y", String(rows)];
    const variables = Object.entries(env).flatMap(([name, value]) => ["-e", `${name}=${value}`]);
    await terminal.#tmux("-f", "/dev/null", "new-session", "-d", ...size, ...variables, script);
    return terminal;
  }

  /** Presses keys, as tmux names them: `C-c`. */
  async press(...keys: readonly string[]): Promise<void> {
    await this.#tmux("send-keys", ...keys);
  }

  /** Resolves with the screen when it has `text`. */
  async shows(text: string): Promise<string> {
    return eventually(async () => {
      const screen = await this.#screen();
      if (!screen.includes(text)) throw new Error(`the terminal has no ${JSON.stringify(text)}:\n${screen}`);
      return screen;
    });
  }

  /** Resolves when the command has ended, with what the screen shows above that. To be called once. */
  async end(): Promise<{ readonly code: number; readonly screen: string }> {
    // Looks at the screen only then: each look starts a process.
    await this.#tmux("wait-for", "ended");
    return eventually(async () => {
      const screen = await this.#screen();
      const [, code] = END.exec(screen) ?? [];
      if (code === undefined) throw new Error(`the command still runs in the terminal:\n${screen}`);
      return { code: Number(code), screen: screen.slice(0, screen.search(END)) };
    });
  }

  async #screen(): Promise<string> {
    return (await this.#tmux("capture-pane", "-p", ...(this.#colors ? ["-e", "-J"] : []))).stdout;
  }

  #tmux(...args: readonly string[]): Promise<{ readonly stdout: string }> {
    return run("tmux", ["-L", this.#socket, ...args], { env: plainEnvironment() });
  }
}

/** Runs a command in a terminal to its end, or several, of which the last one's exit code counts. */
export async function runInTerminal(
  commands: string | readonly string[],
  options: TerminalOptions,
): Promise<{ readonly code: number; readonly screen: string }> {
  return (await IpcTerminal.start(commands, options)).end();
}

function whyNoTmux(): string | undefined {
  try {
    execFileSync("tmux", ["-V"], { stdio: "ignore" });
    return undefined;
  } catch (error) {
    if (process.env["CI"] !== undefined && process.platform === "linux")
      throw new Error("no tmux, which the tests of the command need", { cause: error });
    return "no tmux";
  }
}
