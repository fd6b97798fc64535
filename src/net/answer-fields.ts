/** Header fields of an answer, as far as `Headers` and `HeaderList` are alike. Names are compared without regard to case. */
export interface AnswerFields {
  get(name: string): string | null | undefined;
  has(name: string): boolean;
  /** @throws {TypeError} where name or value cannot be sent. */
  set(name: string, value: string): void;
  /** @throws {TypeError} where name or value cannot be sent. */
  append(name: string, value: string): void;
  delete(name: string): void;
}

/** A Response that came from a node has this, too; others do not. */
export interface NodeFields {
  /**
   * Its fields as the node sent them, to be changed as they are: without the `Headers` that would cost more than all else that is done with a small
   * answer. Undefined once the Response was asked for more.
   */
  readonly nodeFields?: AnswerFields | undefined;
}
