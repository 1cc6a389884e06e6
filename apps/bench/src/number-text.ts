import { median } from "./quantile.js";

const THOUSAND = 1_000;

/** Three digits that count, with a letter for thousands and millions: `1.34 M`, `98.5 k`, `0.43`. */
export function short(value: number): string {
  if (value >= THOUSAND * THOUSAND) return `${digits(value / THOUSAND / THOUSAND)} M`;
  if (value >= THOUSAND) return `${digits(value / THOUSAND)} k`;
  return digits(value);
}

/** A size or a number in groups of three digits. */
export function grouped(value: number): string {
  return String(Math.round(value)).replaceAll(/\B(?=(\d{3})+$)/g, " ");
}

/** `1 client`, `1 000 clients` */
export function clientsText(count: number): string {
  return count === 1 ? "1 client" : `${grouped(count)} clients`;
}

/** `64 B`, `1 KiB`, `1 MiB` */
export function sizeText(bytes: number): string {
  if (bytes >= 1_048_576) return `${bytes / 1_048_576} MiB`;
  if (bytes >= 1_024) return `${bytes / 1_024} KiB`;
  return `${bytes} B`;
}

/** The median, and in brackets the least and the greatest where there is more than one. */
export function spread(values: readonly number[], show: (value: number) => string = short): string {
  const sorted = [...values].sort((a, b) => a - b);
  const [least, greatest] = [sorted[0], sorted.at(-1)];
  if (least === undefined || greatest === undefined) return "";
  return sorted.length === 1 ? show(least) : `${show(median(sorted))} (${show(least)} … ${show(greatest)})`;
}

function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
