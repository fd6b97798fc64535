import { latin1, type RawConnection, type RawMessage, rawOrigin, string } from "./raw.ts";

/** A request as the origin received it. */
export interface SeenRequest {
  readonly method: string;
  /** The request target, byte for byte. */
  readonly target: string;
  /** Name, value, name, value, ... as they came. */
  readonly headers: readonly string[];
  /** As Latin-1 text. */
  readonly body: string;
}

/** What the origin answers; what is absent is as in {@link EchoOrigin.respond}'s default. */
export interface OriginAnswer {
  readonly status?: number;
  /** Name, value, name, value, ...; `Content-Length` is added unless there are `chunks`. */
  readonly headers?: readonly string[];
  /** As Latin-1 text, or bytes. */
  readonly body?: string | Uint8Array;
  /** Pieces of a chunked body, sent one by one; used instead of `body`. */
  readonly chunks?: readonly string[] | AsyncIterable<string>;
}

/** An upstream node that answers everything with 200 and, as JSON, the request that it received ({@link SeenRequest}). */
export interface EchoOrigin {
  readonly port: number;
  /** Every request so far, oldest first. */
  readonly seen: SeenRequest[];
  /** Set to answer otherwise; undefined is the default answer. Default: undefined for everything. */
  respond: (request: SeenRequest) => OriginAnswer | undefined | Promise<OriginAnswer | undefined>;
  close(): Promise<void>;
}

/** Starts an origin on a free port of 127.0.0.1, written over raw sockets so that what is seen is what was sent. */
export async function startEchoOrigin(): Promise<EchoOrigin> {
  const server = await rawOrigin(async (connection) => {
    for (;;) await write(connection, await read(connection));
  });
  const read = async (connection: RawConnection): Promise<SeenRequest> => {
    const request = toSeen(await connection.readMessage("", 120_000));
    origin.seen.push(request);
    return request;
  };
  const write = async (connection: RawConnection, request: SeenRequest): Promise<void> => {
    const answer = await origin.respond(request) ??
      { headers: ["Content-Type", "application/json"], body: JSON.stringify(request) };
    await send(connection, request.method, answer);
  };
  const origin: EchoOrigin = { port: server.port, seen: [], respond: () => undefined, close: () => server.close() };
  return origin;
}

function toSeen({ startLine, headers, body }: RawMessage): SeenRequest {
  const [method = "", target = ""] = startLine.split(" ");
  return { method, target, headers, body: string(body) };
}

async function send(
  connection: RawConnection,
  method: string,
  { status = 200, headers = [], body = "", chunks }: OriginAnswer,
): Promise<void> {
  const bytes = typeof body === "string" ? latin1(body) : body;
  const fields = [...headers];
  if (chunks !== undefined) fields.push("Transfer-Encoding", "chunked");
  else if (status !== 204 && status !== 304) fields.push("Content-Length", String(bytes.byteLength));
  let head = `HTTP/1.1 ${status} Status\r\n`;
  for (let i = 0; i < fields.length; i += 2) head += `${fields[i]}: ${fields[i + 1]}\r\n`;
  await connection.write(`${head}\r\n`);
  if (method === "HEAD" || status === 204 || status === 304) return;
  if (chunks === undefined) return await connection.write(bytes);
  for await (const chunk of chunks) await connection.write(`${chunk.length.toString(16)}\r\n${chunk}\r\n`);
  await connection.write("0\r\n\r\n");
}
