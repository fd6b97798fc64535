/**
 * The command cannot run as it was called: a flag, a variable or a settings file is wrong. `main` prints every problem on a line of its
 * own and exits with status 2. No message ever holds the value of a secret.
 */
export class UsageError extends Error {
  override readonly name: string = "UsageError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}
