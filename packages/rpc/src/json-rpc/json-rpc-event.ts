/** Ends what it was made for. */
export interface Disposable {
  dispose(): void;
}

/** An event as vscode-jsonrpc has it. */
export type Event<T> = (listener: (value: T) => void, thisArgs?: unknown, disposables?: Disposable[]) => Disposable;

/** The listeners of an event as vscode-jsonrpc has it: a function that adds one and returns how to remove it. */
export class JsonRpcEvent<T> {
  readonly #listeners = new Set<(value: T) => void>();

  /** @param disposables gets what removes the listener, too */
  add(listener: (value: T) => void, thisArgs?: unknown, disposables?: Disposable[]): Disposable {
    const entry = (value: T): void => listener.call(thisArgs, value);
    this.#listeners.add(entry);
    const disposable = { dispose: (): void => void this.#listeners.delete(entry) };
    disposables?.push(disposable);
    return disposable;
  }

  fire(value: T): void {
    for (const listener of this.#listeners) listener(value);
  }

  clear(): void {
    this.#listeners.clear();
  }
}
