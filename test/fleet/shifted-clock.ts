// A preload: this process's wall clock is an hour ahead.
const HOUR_MS = 3_600_000;
const { now } = Date;
const RealDate = Date;

globalThis.Date = class extends RealDate {
  constructor(...args: ConstructorParameters<typeof RealDate> | []) {
    if (args.length === 0) super(now() + HOUR_MS);
    else super(...args);
  }

  static override now(): number {
    return now() + HOUR_MS;
  }
} as typeof Date;
