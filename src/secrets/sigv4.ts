/** What a request to AWS is signed with. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** A request to AWS, and where it goes. */
export interface AwsRequest {
  readonly method: string;
  readonly url: URL;
  /** Name, value, name, value, ...; without Host and those that the signature adds. */
  readonly headers: readonly string[];
  readonly body: string;
  /** As in `us-east-1`. */
  readonly region: string;
  /** As in `secretsmanager`. */
  readonly service: string;
}

const ALGORITHM = "AWS4-HMAC-SHA256";

/**
 * Signs a request to AWS with Signature Version 4 (AWS General Reference, "Create a signed AWS API request").
 *
 * @param now Milliseconds since 1970.
 * @returns The request's header fields with `X-Amz-Date`, `X-Amz-Security-Token` where there is a session, and `Authorization`.
 */
export async function signAws(
  { method, url, headers, body, region, service }: AwsRequest,
  { accessKeyId, secretAccessKey, sessionToken }: AwsCredentials,
  now: number,
): Promise<string[]> {
  const time = `${new Date(now).toISOString().replace(/[-:]|\.\d+/g, "")}`;
  const day = time.slice(0, 8);
  const signed = [...headers, "X-Amz-Date", time];
  if (sessionToken !== undefined) signed.push("X-Amz-Security-Token", sessionToken);

  const fields = canonicalFields(["Host", url.host, ...signed]);
  const names = fields.map(([name]) => name).join(";");
  const canonical = [
    method,
    canonicalPath(url.pathname),
    canonicalQuery(url.searchParams),
    ...fields.map(([name, value]) => `${name}:${value}`),
    "",
    names,
    await hash(body),
  ].join("\n");

  const scope = `${day}/${region}/${service}/aws4_request`;
  const toSign = [ALGORITHM, time, scope, await hash(canonical)].join("\n");
  let key: Uint8Array<ArrayBuffer> = encode(`AWS4${secretAccessKey}`);
  for (const part of [day, region, service, "aws4_request", toSign]) key = await hmac(key, part);
  const authorization = `${ALGORITHM} Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${
    hex(key)
  }`;
  return [...signed, "Authorization", authorization];
}

/** Names in lower case and sorted; values trimmed, and one blank for several; those of one name joined in their order. */
function canonicalFields(headers: readonly string[]): [string, string][] {
  const fields = new Map<string, string>();
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!.toLowerCase();
    const value = headers[i + 1]!.trim().replace(/\s+/g, " ");
    const before = fields.get(name);
    fields.set(name, before === undefined ? value : `${before},${value}`);
  }
  return [...fields].sort(([a], [b]) => compare(a, b));
}

/** Every segment is encoded once more than it is sent; S3 alone does without. */
function canonicalPath(path: string): string {
  return path.split("/").map(escape).join("/");
}

function canonicalQuery(query: URLSearchParams): string {
  return [...query].map(([name, value]) => [escape(name), escape(value)] as const)
    .sort(([a, x], [b, y]) => compare(a, b) || compare(x, y))
    .map(([name, value]) => `${name}=${value}`).join("&");
}

/** By code units, as bytes are compared; both sides are ASCII. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** All but RFC 3986's unreserved characters. */
function escape(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

async function hash(text: string): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", encode(text))));
}

async function hmac(key: Uint8Array<ArrayBuffer>, text: string): Promise<Uint8Array<ArrayBuffer>> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", key, algorithm, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, encode(text)));
}

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
