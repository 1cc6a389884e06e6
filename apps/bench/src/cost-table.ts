import { clientsText, short, sizeText } from "./number-text.js";
import type { Figures, Results } from "./results.js";
import { table } from "./table.js";

const KIB = 1_024;
const SECOND_NS = 1_000_000_000;

/** Time for a message out of throughput: what is there whatever its size, and what its bytes add. */
export function costTable(results: Results, figures: Figures): string {
  const nsEach = (contestant: string, at: number): number | undefined => {
    const manners = ["when it must", "awaited"].map((figure) =>
      figures.median({ section: "exchange", at, contestant, figure }),
    );
    const best = manners.filter((rate) => rate !== undefined);
    return best.length === 0 ? undefined : SECOND_NS / Math.max(...best);
  };
  const points = figures.points("exchange");
  const [smallest, , large, largest] = points;
  const clients = figures.points("fan-in");
  return table(
    [
      "",
      ...points.map((size) => `${sizeText(size)}, ns`),
      "of that per message, ns",
      "per KiB, ns",
      ...clients.map((count) => `${clientsText(count)}, ns`),
    ],
    results.contestants.map(({ name }) => {
      const times = points.map((size) => nsEach(name, size));
      const [least, , near, far] = times;
      const perByte =
        near === undefined || far === undefined || large === undefined || largest === undefined
          ? undefined
          : (far - near) / (largest - large);
      const perMessage =
        least === undefined || perByte === undefined || smallest === undefined ? undefined : least - smallest * perByte;
      const show = (value: number | undefined): string => (value === undefined ? "–" : short(value));
      const fanIn = clients.map((at) => {
        const rate = figures.median({ section: "fan-in", at, contestant: name, figure: "perSecond" });
        return show(rate && SECOND_NS / rate);
      });
      return [name, ...times.map(show), show(perMessage), show(perByte && perByte * KIB), ...fanIn];
    }),
  );
}
