/** What can be asked of a GraphQL request; no fields where the request is none. */
export interface GraphqlFacts {
  /** `query`, `mutation`, `subscription`. */
  readonly operation?: string;
  /** Empty for an operation without a name. */
  readonly name?: string;
  readonly rootFields?: readonly string[];
}

/** Finds the first operation of a GraphQL request. */
export function graphqlFacts(_text: string, _json: boolean): GraphqlFacts {
  return {};
}
