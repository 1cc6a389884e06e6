import type { Adapter, Deliver, Link } from "./adapter.js";
import { LoopWatch } from "./loop-watch.js";
import { KIND, type Kind } from "./message-kind.js";
import { encodeTold, type Payload } from "./payload.js";
import { processMemory } from "./process-memory.js";
import { cpuUs } from "./processor-time.js";
import { Counter, type Tally } from "./tally.js";

/** The server's end of every workload: it does what each message asks for, over whichever peer. */
export class Service {
  readonly #adapter: Adapter;
  readonly #watch = new LoopWatch();
  readonly #links = new Set<Link>();

  constructor(adapter: Adapter) {
    this.#adapter = adapter;
  }

  /** Reads again from every connection that was stalled. */
  resume(): void {
    for (const link of this.#links) link.resume();
  }

  accept(link: Link): Deliver {
    const counter = new Counter();
    return (kind, payload) => {
      switch (kind) {
        case KIND.count:
          counter.add(payload);
          break;
        case KIND.echo:
          this.#echo(link, payload);
          break;
        case KIND.numbered:
          counter.addNumbered(payload);
          break;
        case KIND.report: {
          const tally: Tally = { ...counter.take(), loop: this.#watch.stop(), cpuUs: cpuUs() };
          this.#tell(link, KIND.report, tally);
          break;
        }
        case KIND.memory:
          void processMemory().then((memory) => this.#tell(link, KIND.memory, memory));
          break;
        case KIND.heap:
          this.#tell(link, KIND.heap, process.memoryUsage());
          break;
        case KIND.watch:
          this.#watch.start();
          this.#tell(link, KIND.watch, {});
          break;
        case KIND.stall:
          this.#links.add(link);
          link.pause();
          break;
        default:
          throw new Error(`a message of unknown kind ${kind}, ${payload.length} bytes`);
      }
    };
  }

  /** Stops reading from a client that does not read its echoes. */
  #echo(link: Link, payload: Payload): void {
    const wait = link.send(KIND.echo, payload);
    if (wait === undefined || !this.#adapter.abilities.pause) return;
    link.pause();
    // It fails when the client goes: then there is nothing more to read.
    wait.then(
      () => link.resume(),
      () => {},
    );
  }

  #tell(link: Link, kind: Kind, told: unknown): void {
    // Not awaited, because the client that asked waits for the answer itself.
    void link.send(kind, encodeTold(kind, told, this.#adapter.isText));
  }
}
