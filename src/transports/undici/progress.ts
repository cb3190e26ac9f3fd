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
  let [loaded, reported, reportedAt, began] = [0, 0, 0, 0];
  let timer: NodeJS.Timeout | undefined;

  function report(): void {
    clearTimeout(timer);
    timer = undefined;
    reportedAt = Date.now();
    began ||= reportedAt;
    const known = total === undefined ? loaded : Math.min(loaded, total);
    const bytes = Math.max(0, known - reported);
    const rate = rateWith(bytes);
    reported = Math.max(reported, known);
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
    samples.push({ at: reportedAt, bytes });
    samples.splice(0, samples.length - SAMPLES);
    const passed = first === undefined ? 0 : reportedAt - first.at;
    if (reportedAt - began < WATCHED_MS || passed === 0) return undefined;
    return Math.round((before * 1000) / passed) || undefined;
  }

  function reportNow(): void {
    if (timer !== undefined) report();
  }

  const stream = new Transform({
    transform(chunk: Buffer, _encoding, callback) {
      loaded += chunk.length;
      const passed = Date.now() - reportedAt;
      if (passed >= SHORTEST_PAUSE_MS) report();
      else timer ??= setTimeout(report, SHORTEST_PAUSE_MS - passed);
      callback(null, chunk);
    },
  });
  return stream.on('end', reportNow).on('error', reportNow);
}
