/** The server of one measurement. */
export interface ServerSettings {
  readonly kind?: 'sliding window' | 'fixed window' | 'bucket' | 'small bucket';
  /** Requests a second; 0 for no limit. */
  readonly rate?: number;
  readonly latencyMs?: number;
  readonly tokenDelayMs?: number;
  /** What the rate becomes while the calls are made. */
  readonly raised?: { readonly to: number; readonly afterMs: number };
}

/** The calls of one measurement. */
export interface WorkSettings {
  readonly url: string;
  readonly way: string;
  readonly work: string;
  readonly calls: number;
  readonly method: string;
}

/** What was measured, by name. */
export type Figures = Readonly<Record<string, number>>;
