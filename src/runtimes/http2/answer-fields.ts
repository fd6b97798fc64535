import type { AnswerHead } from "../../forward/answer.ts";
import { httpDate } from "../http-date.ts";
import { isConnectionField } from "./field-rules.ts";

/** An answer's head as fields. */
export interface AnswerFields {
  readonly fields: string[];
  /** Bytes that it announces; undefined where it does not. */
  readonly length: number | undefined;
}

/** Writes an answer's head as HTTP/2 has it: names in lower case, and no reason phrase. */
export function answerFields({ status, headers }: AnswerHead): AnswerFields {
  const fields: string[] = [":status", String(status)];
  let length: number | undefined;
  let dated = false;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i]!.toLowerCase(), value = headers[i + 1]!;
    if (isConnectionField(name)) continue;
    if (name === "content-length") {
      // RFC 9110 section 8.6: not with 204.
      if (status === 204) continue;
      length = Number(value);
    } else if (name === "date") dated = true;
    fields.push(name, value);
  }
  // RFC 9110 section 6.6.1: who passes an answer on that has none adds it.
  if (!dated) fields.push("date", httpDate());
  return { fields, length };
}
