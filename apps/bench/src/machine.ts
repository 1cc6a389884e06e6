import { cpus, loadavg, release, totalmem, type } from "node:os";

const GIB = 1_073_741_824;

/** The machine, and how busy it is, in a line. Call it before measuring. */
export function describeMachine(): string {
  const cores = cpus();
  const load = (loadavg()[0] ?? 0).toFixed(1);
  const day = new Date().toISOString().slice(0, 10);
  return (
    `Measured on ${day}: ${cores.length} × ${cores[0]?.model ?? "unknown processor"}, ${Math.round(totalmem() / GIB)} GiB, ` +
    `${type()} ${release()}, Node ${process.version}, load average ${load} before the run.`
  );
}
