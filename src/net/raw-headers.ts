/**
 * Header fields as they are on the wire: name, value, name, value, ... in the order, the case and the number they came in.
 * `Headers` keeps none of these.
 */
export type RawHeaders = readonly string[];
