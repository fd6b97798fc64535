/** One attempt to get through with bad credentials. */
export interface BadCredentials {
  readonly name: string;
  /** `key`, `basic`, `jwt`, `restricted`, `closed`: see `gateway.ts`. Default: that of the list. */
  readonly route?: string;
  readonly method?: string;
  /** Behind the route's path, as in `?apikey=x`. */
  readonly query?: string;
  /** Name, value, name, value, ... */
  readonly headers?: readonly string[];
  readonly body?: string;
  /** The whole request, byte for byte, instead of all that. */
  readonly raw?: string;
  /** Default: 401. */
  readonly status?: number;
  /** The `message` of the answer; undefined where it is none of a plugin's. */
  readonly message?: string;
}
