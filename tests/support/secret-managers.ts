import { createHash, createHmac, createPublicKey, verify } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Certificate } from "./authority.ts";

/** What a manager was asked. */
export interface AskedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

/** A status and a body; an object is sent as JSON. */
export type ManagerReply = readonly [number, unknown];

/** A manager of secrets on a socket of 127.0.0.1. */
export interface FakeManager {
  readonly url: string;
  readonly port: number;
  readonly asked: AskedRequest[];
  close(): Promise<void>;
}

/** @param tls Serves over TLS. */
export async function startManager(
  reply: (request: AskedRequest) => ManagerReply | undefined,
  tls?: Certificate,
): Promise<FakeManager> {
  const asked: AskedRequest[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const seen = {
      method: request.method ?? "",
      url: request.url ?? "",
      headers: request.headers as AskedRequest["headers"],
      body,
    };
    asked.push(seen);
    const given = reply(seen);
    // Without an answer: the client has to give up.
    if (given === undefined) return;
    const [status, content] = given;
    response.writeHead(status, { "content-type": "application/json" });
    response.end(typeof content === "string" ? content : JSON.stringify(content));
  };
  const listener = (request: IncomingMessage, response: ServerResponse) => void answer(request, response);
  const server: Server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  return {
    url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    port,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/**
 * Answers as AWS Secrets Manager does, where the signature is the one that this computes by itself (AWS General Reference, "Create a signed AWS API
 * request"), and refuses otherwise.
 */
export function answerAws(
  request: AskedRequest,
  secretAccessKey: string,
  secrets: Readonly<Record<string, string>>,
): ManagerReply {
  const { authorization = "" } = request.headers;
  const parts =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8}\/([\w-]+)\/(\w+)\/aws4_request), SignedHeaders=([\w;-]+), Signature=([0-9a-f]{64})$/
      .exec(authorization);
  if (parts === null) return [400, { __type: "IncompleteSignatureException" }];
  const [, , scope = "", , , names = "", signature] = parts;
  const sha = (text: string) => createHash("sha256").update(text).digest("hex");
  const canonical = [
    request.method,
    request.url,
    "",
    ...names.split(";").map((name) => `${name}:${request.headers[name] ?? ""}`),
    "",
    names,
    sha(request.body),
  ].join("\n");
  const toSign = ["AWS4-HMAC-SHA256", request.headers["x-amz-date"], scope, sha(canonical)].join("\n");
  let key: string | Buffer = `AWS4${secretAccessKey}`;
  for (const part of [...scope.split("/"), toSign]) key = createHmac("sha256", key).update(part).digest();
  const must = ["host", "x-amz-date", "x-amz-target", "content-type"];
  if (!must.every((name) => names.split(";").includes(name)) || key.toString("hex") !== signature) {
    return [400, { __type: "InvalidSignatureException", message: "hunter2" }];
  }
  if (request.headers["x-amz-target"] !== "secretsmanager.GetSecretValue") {
    return [400, { __type: "UnknownOperationException" }];
  }
  const { SecretId: name = "", VersionStage: stage } = JSON.parse(request.body) as Record<string, string>;
  const secret = secrets[name];
  if (stage !== "AWSCURRENT" || secret === undefined) {
    return [400, { __type: "com.amazonaws.secretsmanager#ResourceNotFoundException", Message: "hunter2" }];
  }
  return [200, { Name: name, SecretString: secret }];
}

/** The claims of a token request, where its signature is the key's; undefined otherwise. */
export function claimsOf(body: string, privateKey: string): Readonly<Record<string, unknown>> | undefined {
  const form = new URLSearchParams(body);
  if (form.get("grant_type") !== "urn:ietf:params:oauth:grant-type:jwt-bearer") return undefined;
  const [header = "", payload = "", signature = ""] = (form.get("assertion") ?? "").split(".");
  const good = verify(
    "RSA-SHA256",
    Buffer.from(`${header}.${payload}`),
    createPublicKey(privateKey),
    Buffer.from(signature, "base64url"),
  );
  return good ? JSON.parse(Buffer.from(payload, "base64url").toString()) as Record<string, unknown> : undefined;
}
