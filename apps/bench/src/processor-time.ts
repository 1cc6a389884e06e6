/** Processor time of this process, in its own code and in the kernel's, in microseconds. */
export function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
