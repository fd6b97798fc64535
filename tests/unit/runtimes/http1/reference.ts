import { checkHead } from "../../../../src/net/request-policy.ts";
import { LIMITS } from "./client.ts";

/** What a connection's bytes hold, read in the plainest way, all at once: requests until the first that is refused or not complete. */
export function readPlainly(wire: string): [method: string, target: string, body: string][] {
  const requests: [string, string, string][] = [];
  for (let rest = wire;;) {
    rest = rest.replace(/^(?:\r\n)+/, "");
    const head = /^([^]*?)\r\n\r\n/.exec(rest)?.[1];
    if (head === undefined || !/^[\x21-\x7e]/.test(rest)) return requests;
    const [line, ...fields] = head.split("\r\n");
    const parts = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([^]*) HTTP\/1\.([01])$/.exec(line!);
    if (parts === null) return requests;
    const headers: string[] = [];
    for (const field of fields) {
      const pair = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*((?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)[ \t]*$/
        .exec(field);
      if (pair === null) return requests;
      headers.push(pair[1]!, pair[2]!);
    }
    const http10 = parts[3] === "0";
    const checked = checkHead(parts[1]!, parts[2]!, headers, LIMITS, http10);
    if (!checked.ok || checked.length > LIMITS.bodyBytes) return requests;
    const connection = valueOf(headers, "connection").split(",").map((token) => token.trim());
    const websocket = connection.includes("upgrade") && valueOf(headers, "upgrade") === "websocket";
    if (websocket && parts[1] === "GET" && !http10 && checked.length !== 0) return requests;
    rest = rest.slice(head.length + 4);
    let body: string;
    if (checked.length >= 0) {
      if (rest.length < checked.length) return requests;
      body = rest.slice(0, checked.length);
      rest = rest.slice(checked.length);
    } else {
      const read = readChunks(rest);
      if (read === undefined) return requests;
      [body, rest] = read;
    }
    requests.push([parts[1]!, checked.target, body]);
    if (connection.includes("close") || http10 && !connection.includes("keep-alive")) return requests;
  }
}

function readChunks(wire: string): [body: string, rest: string] | undefined {
  let body = "";
  for (let rest = wire;;) {
    const size = /^([0-9A-Fa-f]{1,12})(?:;[\t\x20-\xff]{0,1024})?\r\n/.exec(rest);
    if (size === null) return undefined;
    rest = rest.slice(size[0].length);
    const length = parseInt(size[1]!, 16);
    if (length === 0) {
      const trailers = /^(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n)*\r\n/.exec(rest);
      return trailers === null ? undefined : [body, rest.slice(trailers[0].length)];
    }
    if (rest.length < length + 2 || rest.slice(length, length + 2) !== "\r\n") return undefined;
    body += rest.slice(0, length);
    if (body.length > LIMITS.bodyBytes) return undefined;
    rest = rest.slice(length + 2);
  }
}

function valueOf(headers: readonly string[], name: string): string {
  return headers.filter((_, i) => i % 2 === 1 && headers[i - 1]!.toLowerCase() === name).join(",").toLowerCase();
}
