import { FrameDecoder, FrameError, type FrameErrorCode } from "@ipc/framing";
import { MAX_MESSAGE_SIZE } from "./handshakes.js";
import type { Input } from "./input.js";
import { END_CODES, parseFrames } from "./reference.js";
import { BadEnding, type Ending } from "./tally.js";

const PLAIN_OVERHEAD = 4;
const SEALED_OVERHEAD = 32;

interface Decoded {
  readonly bodies: readonly Uint8Array[];
  readonly code: FrameErrorCode | undefined;
}

/** Feeds the decoder alone, and holds what comes out against the plainest parser. */
export function feedDecoder(input: Input): Ending {
  const shortest = input.wire === "compatible" ? SEALED_OVERHEAD : PLAIN_OVERHEAD;
  const longest = MAX_MESSAGE_SIZE + shortest;
  const decoder = new FrameDecoder({ minBodyLength: shortest, maxBodyLength: longest });
  const decoded = decode(decoder, input.chunks);
  const expected = parseFrames(Buffer.concat(input.chunks), shortest, longest);
  const code = END_CODES[expected.end];
  if (decoded.code !== code) throw new BadEnding(`the decoder ended with ${decoded.code}, ${code} is right`);
  const same = decoded.bodies.every((body, index) => Buffer.compare(body, expected.bodies[index] ?? body) === 0);
  if (decoded.bodies.length !== expected.bodies.length || !same) {
    throw new BadEnding(`the decoder gave ${decoded.bodies.length} bodies, ${expected.bodies.length} others are right`);
  }
  return { target: "decoder", wire: input.wire, state: expected.end, code, messages: decoded.bodies.length };
}

function decode(decoder: FrameDecoder, chunks: readonly Uint8Array[]): Decoded {
  const bodies: Uint8Array[] = [];
  try {
    for (const chunk of chunks) {
      decoder.push(chunk);
      for (let body = decoder.next(); body !== undefined; body = decoder.next()) bodies.push(body);
    }
    decoder.end();
    return { bodies, code: undefined };
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    assertFinal(decoder, error);
    return { bodies, code: error.code };
  }
}

/** Every later call must throw the same error, because the place of the next frame is unknown. */
function assertFinal(decoder: FrameDecoder, error: FrameError): void {
  for (const again of [() => decoder.next(), () => decoder.push(Uint8Array.of(0)), () => decoder.end()]) {
    try {
      again();
    } catch (repeated) {
      if (repeated === error) continue;
    }
    throw new BadEnding(`the decoder went on after ${error.code}`);
  }
}
