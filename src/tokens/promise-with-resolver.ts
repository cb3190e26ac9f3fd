/** A promise that is resolved from outside. */
export interface PromiseWithResolver<T> {
  promise: Promise<T>;
  resolve: (value: T) => void;
}

export function promiseWithResolver<T>(): PromiseWithResolver<T> {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
