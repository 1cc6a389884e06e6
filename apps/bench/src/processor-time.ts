/** Processor time of this process, in its own code and in the kernel's, in microseconds. */
export function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** The machine's clock in microseconds: the same in all processes, and in V8's profiles. */
export function clockUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}
