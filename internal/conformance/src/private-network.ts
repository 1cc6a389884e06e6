import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

const IP = "/usr/sbin/ip";

/** A place in a private network, where programs run. */
export interface Host {
  /** The command that runs another one there. */
  readonly within: readonly string[];
  /** The address at which the host finds the hub. */
  readonly hub: string;
}

/**
 * A hub and some hosts, each a network namespace of Linux: only links to the hub connect them. Nothing outside reaches them, and they
 * reach nothing outside.
 */
export class PrivateNetwork implements Disposable {
  /** The command that runs another one at the hub. */
  readonly within: readonly string[];
  readonly hosts: readonly Host[];
  readonly #name: string;

  /** Why this machine cannot have one; undefined: it can. */
  static whyMissing(): string | undefined {
    if (process.platform !== "linux") return "network namespaces need Linux";
    if (process.getuid?.() !== 0) return "network namespaces need root";
    if (!existsSync(IP)) return "no `ip` of iproute2";
    try {
      new PrivateNetwork(0)[Symbol.dispose]();
      return undefined;
    } catch (error) {
      return `network namespaces cannot be made: ${(error as Error).message}`;
    }
  }

  /** @throws Error where `whyMissing` gives a reason */
  constructor(hosts: number) {
    const name = `ipc-${process.pid}`;
    this.#name = name;
    this.within = [IP, "netns", "exec", `${name}-hub`];
    const numbers = Array.from({ length: hosts }, (_, index) => index + 1);
    this.hosts = numbers.map((number) => ({
      within: [IP, "netns", "exec", `${name}-${number}`],
      hub: `10.77.${number}.1`,
    }));
    run([`netns add ${name}-hub`, `-n ${name}-hub link set lo up`]);
    for (const number of numbers) {
      const [hub, host, link] = [`${name}-hub`, `${name}-${number}`, `host${number}`];
      run([
        `netns add ${host}`,
        `link add ${link} netns ${hub} type veth peer name eth0 netns ${host}`,
        `-n ${hub} addr add 10.77.${number}.1/30 dev ${link}`,
        `-n ${host} addr add 10.77.${number}.2/30 dev eth0`,
        `-n ${hub} link set ${link} up`,
        `-n ${host} link set lo up`,
        `-n ${host} link set eth0 up`,
      ]);
    }
  }

  /** Cuts the link of a host: what it sends is lost without a word, in both directions. */
  cut(host: number): void {
    run([`-n ${this.#name}-hub link set host${host + 1} down`]);
  }

  join(host: number): void {
    run([`-n ${this.#name}-hub link set host${host + 1} up`]);
  }

  /** Programs that run there keep it until they end. */
  [Symbol.dispose](): void {
    for (const host of ["hub", ...this.hosts.map((_, index) => String(index + 1))])
      run([`netns del ${this.#name}-${host}`]);
  }
}

function run(commands: readonly string[]): void {
  for (const command of commands) execFileSync(IP, command.split(" "), { stdio: ["ignore", "ignore", "pipe"] });
}
