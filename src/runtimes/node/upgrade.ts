import { type IncomingMessage, STATUS_CODES } from "node:http";
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
import { lingeringClose, writeRefusal } from "./refuse.ts";
import { createListenerRequest } from "./request.ts";

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
    socket.write(upgradeHead(status, reason, headers), "latin1");
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
  const request = createListenerRequest(incoming.method!, head.host, inbound);
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

/** Writes an ordinary answer, chunked, and ends the connection; what breaks breaks the connection. */
async function writeOrdinary(socket: Duplex, response: Response): Promise<void> {
  const head = answerHead(response);
  let text = `HTTP/1.1 ${head.status} ${head.reason || (STATUS_CODES[head.status] ?? "")}\r\n`;
  for (let i = 0; i + 1 < head.headers.length; i += 2) {
    const name = head.headers[i]!.toLowerCase();
    if (name === "content-length" || name === "transfer-encoding" || name === "connection") continue;
    text += `${head.headers[i]}: ${head.headers[i + 1]}\r\n`;
  }
  const bodiless = response.body === null || head.status === 204 || head.status === 304;
  const framing = response.body === null ? "Content-Length: 0\r\n" : bodiless ? "" : "Transfer-Encoding: chunked\r\n";
  socket.write(`${text}${framing}Connection: close\r\n\r\n`, "latin1");
  if (bodiless) await response.body?.cancel();
  else await writeChunks(socket, response.body!);
  if (socket.destroyed) return;
  socket.end();
  lingeringClose(socket);
}

async function writeChunks(socket: Duplex, body: ReadableStream<Uint8Array>): Promise<void> {
  const reader = body.getReader();
  const gone = (): void => void reader.cancel().catch(() => {});
  socket.once("close", gone);
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      if (part.value.byteLength === 0) continue;
      socket.write(`${part.value.byteLength.toString(16)}\r\n`, "latin1");
      socket.write(part.value);
      if (!socket.write("\r\n", "latin1")) await drained(socket);
    }
    socket.write("0\r\n\r\n", "latin1");
  } catch {
    socket.destroy();
  } finally {
    socket.off("close", gone);
  }
}

function drained(socket: Duplex): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off("drain", done);
      socket.off("close", done);
      resolve();
    };
    socket.on("drain", done);
    socket.on("close", done);
  });
}

/** The head of a `101`; `Connection` and `Upgrade` are added where the list has none, since both are required (RFC 9110 section 7.8). */
export function upgradeHead(status: number, reason: string, headers: RawHeaders): string {
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
