/** What a command has of the process it runs in. */
export interface CommandIo {
  /** For results. */
  readonly stdout: Output;
  /** For everything else. */
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts when the command is to end, as after Ctrl+C. */
  readonly signal: AbortSignal;
}

/** A stream, or what stands for one. */
export interface Output {
  write(text: string): unknown;
}

/** One command of the command line. */
export interface Command {
  /** What it does, for the list of commands. */
  readonly summary: string;
  /** Its arguments and what each does, for `--help`. */
  readonly usage: string;
  /**
   * @param args - The arguments after its name.
   * @returns the exit status.
   * @throws {@link UsageError}, or what `parseArgs` of `node:util` throws, for wrong arguments; any other error ends the
   * process with status 1 and its message.
   */
  run(args: readonly string[], io: CommandIo): Promise<number>;
}

/** Wrong arguments. */
export class UsageError extends Error {}
