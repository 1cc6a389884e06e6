/** Lets time pass, then the immediates in which deadlines are looked at. */
export async function pass(advance: (ms: number) => void, ms: number): Promise<void> {
  advance(ms);
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
