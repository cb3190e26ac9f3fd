import { Transform } from 'node:stream';
import type { AxiosProgressEvent } from 'axios';

const SHORTEST_PAUSE_MS = 1000 / 3;

/** The rate is measured over this many events, and is not reported at the beginning. */
const SAMPLES = 50;
const WATCHED_MS = 250;

/**
 * Creates a stream that passes everything on and reports its progress to the listener: at most three times per second,
 * and at the end, as Axios does.
 *
 * @param total - The number of bytes, if known.
 */
export function progress(
  listener: (event: AxiosProgressEvent) => void,
  direction: 'upload' | 'download',
  total: number | undefined,
): Transform {
  const samples: { at: number; bytes: number }[] = [];
  let [loaded, told, toldAt, began] = [0, 0, 0, 0];
  let timer: NodeJS.Timeout | undefined;

  function tell(): void {
    clearTimeout(timer);
    timer = undefined;
    toldAt = Date.now();
    began ||= toldAt;
    const known = total === undefined ? loaded : Math.min(loaded, total);
    const bytes = Math.max(0, known - told);
    const rate = rateWith(bytes);
    told = Math.max(told, known);
    const event = {
      loaded: known,
      total,
      progress: total ? known / total : undefined,
      bytes,
      rate,
      estimated: rate && total ? (total - known) / rate : undefined,
      event: { lengthComputable: total !== undefined, total, loaded },
      lengthComputable: total !== undefined,
      [direction]: true,
    };
    // Outside the stream: otherwise its owner would get the listener's error.
    process.nextTick(listener, event);
  }

  function rateWith(bytes: number): number | undefined {
    const before = samples.reduce((sum, sample) => sum + sample.bytes, 0);
    const [first] = samples;
    samples.push({ at: toldAt, bytes });
    samples.splice(0, samples.length - SAMPLES);
    const passed = first === undefined ? 0 : toldAt - first.at;
    if (toldAt - began < WATCHED_MS || passed === 0) return undefined;
    return Math.round((before * 1000) / passed) || undefined;
  }

  function tellNow(): void {
    if (timer !== undefined) tell();
  }

  const stream = new Transform({
    transform(chunk: Buffer, _encoding, callback) {
      loaded += chunk.length;
      const passed = Date.now() - toldAt;
      if (passed >= SHORTEST_PAUSE_MS) tell();
      else timer ??= setTimeout(tell, SHORTEST_PAUSE_MS - passed);
      callback(null, chunk);
    },
  });
  return stream.on('end', tellNow).on('error', tellNow);
}
