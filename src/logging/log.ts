/** A line for the log. */
export interface LogEntry {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** What happened, in words. */
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
  /** What it has in common with entries that say the same again. */
  readonly kind: string;
}

/** Writes log lines. */
export interface Log {
  /**
   * Writes one. What the logger throws is ignored.
   *
   * @param failure - The error that the line is about.
   */
  write(entry: LogEntry, failure?: object): void;
}
