import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { errorResponse } from "../../errors.ts";
import { answerHead } from "../../forward/answer.ts";
import type { ByteTunnel, UpgradeHook } from "../../net/inbound.ts";
import type { RawHeaders } from "../../net/raw-headers.ts";
import { checkHead } from "../../net/request-policy.ts";
import type { ListenOptions } from "../listener.ts";
import { socketTunnel } from "../tunnel.ts";
import type { Connection } from "./connection.ts";
import { NodeInbound } from "./inbound.ts";
import { writeRaw, writeRefusal } from "./refuse.ts";
import { createListenerRequest } from "./request.ts";

/** Bytes of an ordinary answer to a request to upgrade, which is written at once. */
const ANSWER_LIMIT = 1024 * 1024;

/**
 * Answers a request to upgrade. The handler either takes the connection over through `inbound.upgrade`, whatever Response it returns then,
 * or answers as usual, after which the connection is closed: the server's parser has let go of it.
 */
export function answerUpgrade(
  incoming: IncomingMessage,
  socket: Duplex,
  rest: Uint8Array,
  connection: Connection,
  options: ListenOptions,
): void {
  socket.on("error", () => socket.destroy());
  const head = checkHead(incoming.method!, incoming.url!, incoming.rawHeaders, options.limits);
  if (!head.ok) return writeRefusal(socket, head.status, head.code);
  // The bytes of a body would have to be told from those of the new protocol.
  if (head.length !== 0) return writeRefusal(socket, 400, "upgrade_refused");
  let taken = false;
  const upgrade: UpgradeHook = (status, reason, headers): ByteTunnel => {
    if (taken || socket.destroyed) throw new Error("Cannot upgrade the connection: it has been taken over or has gone");
    taken = true;
    if (rest.byteLength > 0) socket.unshift(rest);
    socket.write(headOf(status, reason, headers), "latin1");
    return socketTunnel(socket);
  };
  const inbound = new NodeInbound(
    head.target,
    incoming,
    connection,
    false,
    { bytes: 0, timeout: 0, begin: undefined },
    upgrade,
  );
  const gone = (): void => inbound.clientGone();
  socket.once("close", gone);
  const url = `${connection.secure ? "https" : "http"}://${head.host}${head.target}`;
  const request = createListenerRequest(incoming.method!, url, inbound);
  void (async () => {
    let response: Response;
    try {
      response = await options.handler(request, inbound);
    } catch {
      response = errorResponse("internal", 500);
    }
    if (taken) return;
    socket.off("close", gone);
    await writeOrdinary(socket, response);
  })();
}

async function writeOrdinary(socket: Duplex, response: Response): Promise<void> {
  const head = answerHead(response);
  const headers: string[] = [];
  for (let i = 0; i + 1 < head.headers.length; i += 2) {
    const name = head.headers[i]!.toLowerCase();
    if (name !== "content-length" && name !== "transfer-encoding" && name !== "connection") {
      headers.push(head.headers[i]!, head.headers[i + 1]!);
    }
  }
  try {
    writeRaw(socket, head.status, head.reason, headers, await limited(response));
  } catch {
    socket.destroy();
  }
}

async function limited(response: Response): Promise<Uint8Array> {
  if (response.body === null) return new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > ANSWER_LIMIT) throw new Error("Too long an answer to a request to upgrade");
    chunks.push(chunk);
  }
  const all = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.byteLength;
  }
  return all;
}

/** The head of a `101`; `Connection` and `Upgrade` are added where the list has none, since both are required (RFC 9110 section 7.8). */
function headOf(status: number, reason: string, headers: RawHeaders): string {
  let head = `HTTP/1.1 ${status} ${reason}\r\n`;
  let connection = false, upgrade = false;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i]!.toLowerCase();
    connection ||= name === "connection";
    upgrade ||= name === "upgrade";
    head += `${headers[i]}: ${headers[i + 1]}\r\n`;
  }
  if (!connection) head += "Connection: Upgrade\r\n";
  if (!upgrade) head += "Upgrade: websocket\r\n";
  return `${head}\r\n`;
}
