import type { Client } from "@ipc/client";

/** Writes `data` and reads its echo, `count` times; returns the median in microseconds. Every echo is checked. */
export async function measureRoundTrips(
  client: Client,
  type: number,
  data: Uint8Array,
  count: number,
): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < count; round++) {
    const from = performance.now();
    await client.write(type, data);
    const echo = await client.read();
    times.push((performance.now() - from) * 1_000);
    if (echo.kind !== "data" || echo.type !== type || Buffer.compare(echo.data, data) !== 0) {
      throw new Error(`round ${round}: the echo differs from what was sent`);
    }
  }
  times.sort((a, b) => a - b);
  return times[count >> 1] as number;
}
