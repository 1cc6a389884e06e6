/** How the processes of a measurement are started: flags of node, and variables of their environment. */
export interface Start {
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** As a user's process starts: V8 and the allocator decide by themselves how much memory they keep. */
export const AS_USERS_RUN: Start = { flags: [], env: {} };

/**
 * Gives every measured process the same memory to work in, which else depends on what the process did at its start: V8 sizes
 * its young generation by what has survived there, and a smaller one is collected more often; glibc gives pages back to the
 * system, to fault in again, by thresholds that move with what was freed. Setting one threshold stops glibc from moving the
 * others, so that of mmap is set to where it would move. The server's process is forked with the same flags and environment.
 * @see https://www.gnu.org/software/libc/manual/html_node/Malloc-Tunable-Parameters.html
 */
export const FIXED_MEMORY: Start = {
  flags: ["--min-semi-space-size=4", "--max-semi-space-size=4"],
  env: {
    MALLOC_TRIM_THRESHOLD_: "67108864",
    MALLOC_TOP_PAD_: "1048576",
    MALLOC_MMAP_THRESHOLD_: "33554432",
  },
};

/** Says for the reader of a comparison how its processes were started. */
export function describeStart(start: Start): string {
  if (start === AS_USERS_RUN)
    return "All processes ran as a user starts them, so V8's young generation and glibc's heap, which depend on a process's start, differ too.";
  const env = Object.entries(start.env).map(([name, value]) => `${name}=${value}`);
  return `All processes ran with a fixed young generation and fixed allocator thresholds, so that only the code differs (${[...start.flags, ...env].join(" ")}); --as-users-run leaves both to V8 and glibc.`;
}
