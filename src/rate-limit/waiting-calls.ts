/** What a queue needs to know of a call. */
export interface LimitedCall {
  /** Its place among all calls, which it keeps when it is sent again. */
  readonly place: number;
  /** When its time is over, on the monotonic clock; infinite without a limit. */
  readonly endsAt: number;
  readonly isBackground: boolean;
  readonly request: { readonly method: string; readonly path: string };
}

/** A call that waits for its turn, and the two ways in which the wait ends. */
export interface WaitingCall<Turn> {
  readonly call: LimitedCall;
  /** @param turn - None when the limit was forgotten. */
  readonly go: (turn: Turn | undefined) => void;
  readonly fail: (error: unknown) => void;
}

/** Calls in the order of their places. A call that comes back after a 429 goes ahead of those that came after it. */
export class WaitingCalls<Turn> {
  #waiting: WaitingCall<Turn>[] = [];

  get size(): number {
    return this.#waiting.length;
  }

  /** @returns how many are ahead of it. */
  add(waiting: WaitingCall<Turn>): number {
    const index = this.#indexOf(waiting.call.place);
    this.#waiting.splice(index, 0, waiting);
    return index;
  }

  take(): WaitingCall<Turn> | undefined {
    return this.#waiting.shift();
  }

  /** Takes out a call, if it is here. */
  remove(call: LimitedCall): WaitingCall<Turn> | undefined {
    const index = this.#indexOf(call.place);
    return this.#waiting[index]?.call === call ? this.#waiting.splice(index, 1)[0] : undefined;
  }

  clear(): WaitingCall<Turn>[] {
    return this.#waiting.splice(0);
  }

  /**
   * Takes out the calls whose turn can't come before they end.
   *
   * @param turnAt - When the turn of a call comes, by the number of calls ahead of it.
   */
  takeInVain(turnAt: (ahead: number) => number): WaitingCall<Turn>[] {
    const inVain: WaitingCall<Turn>[] = [];
    const left: WaitingCall<Turn>[] = [];
    for (const one of this.#waiting) (turnAt(left.length) < one.call.endsAt ? left : inVain).push(one);
    if (inVain.length > 0) this.#waiting = left;
    return inVain;
  }

  /** When the first of them ends; infinite without one. */
  get firstEnd(): number {
    let first = Number.POSITIVE_INFINITY;
    for (const { call } of this.#waiting) first = Math.min(first, call.endsAt);
    return first;
  }

  #indexOf(place: number): number {
    let [low, high] = [0, this.#waiting.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#waiting[middle]?.call.place ?? 0) < place) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
