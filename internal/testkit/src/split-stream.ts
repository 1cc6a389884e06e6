/** A stream of encoded bodies. */
export interface SplitStream {
  readonly bodies: readonly Uint8Array[];
  readonly bytes: Uint8Array;
}

/** A decoder that is given chunks and gives bodies. */
export interface BodyDecoder {
  push(chunk: Uint8Array): void;
  next(): Uint8Array | undefined;
  end(): void;
  readonly bufferedBytes: number;
}

export type Drain = "each" | "end";

/** Bodies that differ from their neighbours at every byte. */
export function bodiesOf(...lengths: number[]): Uint8Array[] {
  return lengths.map((length, seed) => Uint8Array.from({ length }, (_, index) => (index * 13 + seed * 101 + 5) & 0xff));
}

/** Whether the chunks, drained after each or only at the end, give the bodies of the stream. */
export function decodes(
  decoder: BodyDecoder,
  { bodies }: SplitStream,
  chunks: readonly Uint8Array[],
  drain: Drain,
): boolean {
  const decoded: Uint8Array[] = [];
  const take = (): void => {
    for (let body = decoder.next(); body !== undefined; body = decoder.next()) decoded.push(body);
  };
  for (const chunk of chunks) {
    decoder.push(chunk);
    if (drain === "each") take();
  }
  take();
  decoder.end();
  if (decoder.bufferedBytes !== 0) return false;
  return decoded.length === bodies.length && decoded.every((body, n) => Buffer.compare(body, bodies[n] ?? body) === 0);
}

/** Returns the pairs of cuts, of those given, at which new decoders do not give the bodies of the stream. */
export function wrongCuts(
  newDecoder: () => BodyDecoder,
  stream: SplitStream,
  cuts: readonly number[],
  drain: Drain,
): string[] {
  const { bytes } = stream;
  const wrong: string[] = [];
  for (const [index, i] of cuts.entries()) {
    for (const j of cuts.slice(index)) {
      const chunks = [bytes.subarray(0, i), bytes.subarray(i, j), bytes.subarray(j)];
      if (!decodes(newDecoder(), stream, chunks, drain)) wrong.push(`${i}, ${j}`);
    }
  }
  return wrong;
}

export function everyCut({ bytes }: SplitStream): number[] {
  return Array.from({ length: bytes.length + 1 }, (_, cut) => cut);
}
