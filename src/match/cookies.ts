/**
 * The cookies of a Cookie field. Of several with one name the last counts; a value ends at white space and keeps its quotes, as in
 * lua-resty-cookie (`lib/resty/cookie.lua`, `get_cookie_table`).
 */
export function parseCookies(field: string): ReadonlyMap<string, string> {
  const cookies = new Map<string, string>();
  for (const pair of field.split(";")) {
    const equals = pair.indexOf("=");
    if (equals < 0) continue;
    cookies.set(pair.slice(0, equals).trim(), pair.slice(equals + 1).trimStart().split(/[ \t]/, 1)[0]!);
  }
  return cookies;
}
