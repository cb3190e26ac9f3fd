/** What is looked at, in this order. */
export type StepName =
  | 'settings'
  | 'network'
  | 'clock'
  | 'token'
  | 'scopes'
  | 'claims'
  | 'call'
  | 'account'
  | 'revocation';

/** What came of one step. */
export interface Step {
  readonly step: StepName;
  readonly ok: boolean;
  /** What was found and, if it is wrong, what to do. Parts of it come from outside. */
  readonly text: string;
}

export function passed(step: StepName, text: string): Step {
  return { step, ok: true, text };
}

export function failed(step: StepName, text: string): Step {
  return { step, ok: false, text };
}
