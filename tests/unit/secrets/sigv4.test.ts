// Signatures of requests to AWS: the examples that AWS publishes with the signatures that they must come to.
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import { type AwsRequest, signAws } from "../../../src/secrets/sigv4.ts";

const CREDENTIALS = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };
const NOW = Date.UTC(2015, 7, 30, 12, 36, 0);

/** Named as in the Signature Version 4 test suite; the last is the example of the IAM user guide. */
const VECTORS: readonly (readonly [string, Partial<AwsRequest> & { readonly at: string }, string, string])[] = [
  ["get-vanilla", { at: "/" }, "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"],
  [
    "get-vanilla-query-order-key-case",
    { at: "/?Param2=value2&Param1=value1" },
    "host;x-amz-date",
    "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
  ],
  [
    "post-vanilla",
    { at: "/", method: "POST" },
    "host;x-amz-date",
    "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
  ],
  [
    "post-x-www-form-urlencoded",
    {
      at: "/",
      method: "POST",
      headers: ["Content-Type", "application/x-www-form-urlencoded"],
      body: "Param1=value1",
    },
    "content-type;host;x-amz-date",
    "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
  ],
  [
    "get-header-value-trim",
    { at: "/", headers: ["My-Header1", " value1", "My-Header2", ' "a   b   c"'] },
    "host;my-header1;my-header2;x-amz-date",
    "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
  ],
  [
    "IAM ListUsers",
    {
      at: "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
      headers: ["Content-Type", "application/x-www-form-urlencoded; charset=utf-8"],
      service: "iam",
    },
    "content-type;host;x-amz-date",
    "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
  ],
];

function toRequest({ at, ...rest }: Partial<AwsRequest> & { readonly at: string }): AwsRequest {
  const url = new URL(at, "https://example.amazonaws.com");
  return { method: "GET", url, headers: [], body: "", region: "us-east-1", service: "service", ...rest };
}

describe("a request to AWS", () => {
  for (const [name, request, names, signature] of VECTORS) {
    it(`is signed as AWS publishes it: ${name}`, async () => {
      const headers = await signAws(toRequest(request), CREDENTIALS, NOW);
      deepStrictEqual(headers.slice(-2), [
        "Authorization",
        `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/${request.service ?? "service"}/aws4_request, ` +
        `SignedHeaders=${names}, Signature=${signature}`,
      ]);
    });
  }

  it("carries the session's token, signed with the rest", async () => {
    const headers = await signAws(toRequest({ at: "/" }), { ...CREDENTIALS, sessionToken: "session" }, NOW);
    strictEqual(headers[headers.indexOf("X-Amz-Security-Token") + 1], "session");
    ok(headers.at(-1)!.includes("SignedHeaders=host;x-amz-date;x-amz-security-token,"));
  });
});
