/** A call that waits for its turn. */
export interface WaitingCall {
  /** Its place among all calls, which it keeps when it comes back. */
  readonly place: number;
  /** When it ends, on the monotonic clock; infinite without a limit. */
  readonly endsAt: number;
}

/** Calls in the order of their places. A call that comes back after a 429 goes ahead of those that came after it. */
export class WaitingCalls<Call extends WaitingCall> {
  #calls: Call[] = [];

  get size(): number {
    return this.#calls.length;
  }

  /** @returns how many are ahead of it. */
  add(call: Call): number {
    const index = this.#indexOf(call.place);
    this.#calls.splice(index, 0, call);
    return index;
  }

  take(): Call | undefined {
    return this.#calls.shift();
  }

  remove(call: Call): void {
    const index = this.#indexOf(call.place);
    if (this.#calls[index] === call) this.#calls.splice(index, 1);
  }

  clear(): Call[] {
    const all = this.#calls;
    this.#calls = [];
    return all;
  }

  /**
   * Takes out the calls whose turn can't come before they end.
   *
   * @param turnAt - When the turn of the call comes that has so many ahead of it.
   */
  takeInVain(turnAt: (ahead: number) => number): Call[] {
    const inVain: Call[] = [];
    const left: Call[] = [];
    for (const call of this.#calls) (turnAt(left.length) < call.endsAt ? left : inVain).push(call);
    if (inVain.length > 0) this.#calls = left;
    return inVain;
  }

  get firstEnd(): number {
    let first = Number.POSITIVE_INFINITY;
    for (const { endsAt } of this.#calls) first = Math.min(first, endsAt);
    return first;
  }

  #indexOf(place: number): number {
    let [low, high] = [0, this.#calls.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#calls[middle]?.place ?? 0) < place) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
