import type { AwsSecret } from "../config/secret.ts";
import { type AskManager, jsonFieldOf, readObject, SecretError, statusError } from "./manager.ts";
import { signAws } from "./sigv4.ts";

/** What is not there is asked for in one more way for each slash of its name; a name needs no more than these. */
const MAX_TRIES = 8;

/**
 * Reads `<name>` or `<name>/<field>` from AWS Secrets Manager (`apisix/secret/aws.lua`). Names may hold slashes themselves: the longest
 * name is tried first, and while AWS knows none of that name, the last segment becomes part of the field.
 *
 * @param now Milliseconds since 1970.
 * @throws {SecretError}
 */
export async function readAws(
  ask: AskManager,
  config: AwsSecret,
  key: string,
  signal: AbortSignal,
  now: () => number = Date.now,
): Promise<string> {
  if (key.startsWith("/")) throw new SecretError("for aws, a name must follow: name or name/field");
  let end = key.length;
  for (let tries = 0; tries < MAX_TRIES && end > 0; tries++) {
    const secret = await getSecretValue(ask, config, key.slice(0, end), signal, now());
    if (secret !== undefined) return end === key.length ? secret : jsonFieldOf(secret, key.slice(end + 1));
    end = key.lastIndexOf("/", end - 1);
  }
  throw new SecretError("aws knows no such secret");
}

/** The action GetSecretValue of its API; undefined where there is no secret of that name. */
async function getSecretValue(
  ask: AskManager,
  { region, endpoint_url, access_key_id, secret_access_key, session_token }: AwsSecret,
  name: string,
  signal: AbortSignal,
  now: number,
): Promise<string | undefined> {
  const url = new URL("/", endpoint_url ?? `https://secretsmanager.${region}.amazonaws.com`);
  const body = JSON.stringify({ SecretId: name, VersionStage: "AWSCURRENT" });
  const headers = await signAws(
    {
      method: "POST",
      url,
      headers: ["Content-Type", "application/x-amz-json-1.1", "X-Amz-Target", "secretsmanager.GetSecretValue"],
      body,
      region,
      service: "secretsmanager",
    },
    {
      accessKeyId: access_key_id,
      secretAccessKey: secret_access_key,
      ...(session_token === undefined ? {} : { sessionToken: session_token }),
    },
    now,
  );
  const answer = await ask({ method: "POST", url, headers, body }, signal);
  if (answer.status !== 200) {
    const type = errorType(answer.text);
    if (type === "ResourceNotFoundException") return undefined;
    throw statusError("aws", answer.status, type);
  }
  const { SecretString: secret } = readObject("aws", answer.text);
  if (typeof secret !== "string") throw new SecretError("the secret is binary, and a text is needed");
  return secret;
}

/** `ResourceNotFoundException`, perhaps with a namespace and a `#` in front; nothing else of an error is told. */
function errorType(text: string): string | undefined {
  try {
    const { __type: type } = JSON.parse(text) as { readonly __type?: unknown };
    return typeof type === "string" ? /([A-Za-z]{1,64})$/.exec(type)?.[1] : undefined;
  } catch {
    return undefined;
  }
}
