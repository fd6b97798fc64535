import { STATUS_CODES } from "node:http";
import type { AnswerHead } from "../../forward/answer.ts";
import { sameName } from "../../net/header-list.ts";
import { httpDate } from "../http-date.ts";

/** An answer's head as text, which still lacks its framing and the empty line. */
export interface AnswerText {
  readonly text: string;
  /** Bytes that it announces; undefined where it does not. */
  readonly length: number | undefined;
}

/** Writes status line and fields, but those that say how the body is framed, and whether the connection stays: these are the listener's own. */
export function answerText({ status, reason, headers }: AnswerHead): AnswerText {
  let text = status === 200 && reason === "OK"
    ? "HTTP/1.1 200 OK\r\n"
    : `HTTP/1.1 ${status} ${reason || (STATUS_CODES[status] ?? "")}\r\n`;
  let length: number | undefined;
  let dated = false;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i]!, value = headers[i + 1]!;
    switch (name.length) {
      case 4:
        dated ||= sameName(name, "date");
        break;
      case 10:
        if (sameName(name, "connection") || sameName(name, "keep-alive")) continue;
        break;
      case 14:
        if (!sameName(name, "content-length")) break;
        // RFC 9110 section 8.6: not with 204.
        if (status === 204) continue;
        length = Number(value);
        break;
      case 17:
        if (sameName(name, "transfer-encoding")) continue;
    }
    text += `${name}: ${value}\r\n`;
  }
  // RFC 9110 section 6.6.1: who passes an answer on that has none adds it.
  if (!dated) text += `Date: ${httpDate()}\r\n`;
  return { text, length };
}
