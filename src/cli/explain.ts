import process from "node:process";
import { isAddress } from "../config/addresses.ts";
import type { ExplainRequest, GatewayExplanation } from "../gateway/explain.ts";
import { type CommandInput, EXIT } from "./command.ts";
import { askControl } from "./control-client.ts";
import { loadControlUrl } from "./control-url.ts";
import { explainOffline } from "./explain-offline.ts";
import { explanationText } from "./explanation-text.ts";
import type { Flags } from "./flags.ts";
import { UsageError } from "./usage-error.ts";

/**
 * `gatewatch explain`: why a request would go where it goes, in the gateway that runs, or (with `--resources` or `--etcd`) in one that is made for it
 * and serves nothing. 0 where an upstream would answer, 1 where the gateway itself would, or nothing could be asked.
 */
export async function explain(input: CommandInput): Promise<number> {
  const { flags } = input;
  const request = readRequest(flags);
  const offline = flags.values.has("resources") || flags.values.has("etcd");
  const explanation = offline ? await explainOffline(input, request) : await explainRunning(input, request);
  if (typeof explanation === "string") {
    console.error(explanation);
    return EXIT.failed;
  }
  const color = process.stdout.isTTY === true && (process.env.NO_COLOR ?? "") === "";
  console.log(
    flags.switches.has("json")
      ? JSON.stringify(explanation, null, 2)
      : explanationText(explanation, { color }).trimEnd(),
  );
  return explanation.answer === null ? EXIT.done : EXIT.failed;
}

/** @throws UsageError */
function readRequest({ positionals, values }: Flags): ExplainRequest {
  const [method, url] = positionals;
  if (method === undefined || url === undefined) {
    throw new UsageError(["Write a method and a URL, as in gatewatch explain GET http://example.com/a"]);
  }
  if (!/^[A-Z]+$/.test(method)) throw new UsageError([`Cannot use "${method}" as a method: write one as in GET, POST`]);
  if (!/^(https?:\/\/[^/]|\/)/i.test(url)) {
    throw new UsageError([`Cannot use "${url}" as a URL: write http://HOST/PATH, or /PATH for no host`]);
  }
  const headers = (values.get("header") ?? []).flatMap((line) => {
    const colon = line.indexOf(":");
    if (colon < 1) throw new UsageError([`Cannot use "${line}" as a header field: write 'NAME: VALUE'`]);
    return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
  });
  const from = values.get("from")?.at(-1), body = values.get("data")?.at(-1);
  if (from !== undefined && !isAddress(from)) {
    throw new UsageError([`--from: Cannot use "${from}" as an address: write one as in 10.0.0.7 or fd00::7`]);
  }
  return {
    method,
    url: asSent(url),
    headers: url.startsWith("/") && !hasHost(headers) ? ["Host", "localhost", ...headers] : headers,
    ...(from === undefined ? {} : { from }),
    ...(body === undefined ? {} : { body }),
  };
}

/** Every request names a host: for a path alone it is `localhost`, which only routes without a host of their own take. */
function hasHost(headers: readonly string[]): boolean {
  return headers.some((name, index) => index % 2 === 0 && name.toLowerCase() === "host");
}

/**
 * A URL as a client sends it: what cannot stand in a request line is percent-encoded, a fragment is left out. A `URL` would also take `..` and `//`
 * out of the path, and what the gateway makes of these is worth asking.
 *
 * @throws UsageError
 */
function asSent(url: string): string {
  const [, scheme = "", host = "", path = "", query = ""] = /^(?:(https?:\/\/)([^/?#]*))?([^?#]*)(\?[^#]*)?/i.exec(
    url,
  )!;
  return `${scheme}${asciiHost(host)}${path.replace(/[^!-~]|["<>`{}]/gu, encodeURIComponent)}${
    query.replace(/[^!-~]|["<>']/gu, encodeQuery)
  }`;
}

function encodeQuery(text: string): string {
  return text === "'" ? "%27" : encodeURIComponent(text);
}

function asciiHost(host: string): string {
  if (/^[!-~]*$/.test(host)) return host;
  if (URL.canParse(`http://${host}`)) return new URL(`http://${host}`).host;
  throw new UsageError([`Cannot use "${host}" as a host`]);
}

/** @returns The explanation, or what went wrong. */
async function explainRunning(input: CommandInput, request: ExplainRequest): Promise<GatewayExplanation | string> {
  const { flags } = input, named = flags.values.get("url");
  const values = named === undefined ? flags.values : new Map([...flags.values, ["control", named]]);
  const url = `${await loadControlUrl({ ...input, flags: { ...flags, values } })}/explain`;
  try {
    const { status, body } = await askControl(url, request);
    if (status === 200) return JSON.parse(body) as GatewayExplanation;
    return `${url} answered ${status}: ${messageOf(body)}`;
  } catch (error) {
    return `Cannot ask ${url}: ${(error as Error).message}`;
  }
}

function messageOf(body: string): string {
  try {
    return (JSON.parse(body) as { error_msg: string }).error_msg;
  } catch {
    return body.slice(0, 1000);
  }
}
