/**
 * What a plugin answers with where it does not let a request pass: the body that Apache APISIX's plugins write, `{"message":"..."}` and a line break
 * (`core/response.lua`, resp_exit).
 *
 * @param fields Header fields beside the content type.
 */
export function messageResponse(
  status: number,
  message: string,
  fields: Readonly<Record<string, string>> = {},
): Response {
  // A Response of these statuses must not have one.
  if (status === 204 || status === 205 || status === 304) return new Response(null, { status, headers: fields });
  // As bytes, whose number is told, for those who count them.
  const body = new TextEncoder().encode(JSON.stringify({ message }) + "\n");
  return new Response(body, {
    status,
    headers: { "content-type": "application/json", "content-length": String(body.byteLength), ...fields },
  });
}
