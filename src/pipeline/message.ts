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
  return new Response(JSON.stringify({ message }) + "\n", {
    status,
    headers: { "content-type": "application/json", ...fields },
  });
}
