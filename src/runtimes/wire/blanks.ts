/** What stands from `start` on without spaces and tabs around it; `String.trim` would take bytes beyond ASCII away too (RFC 9110 section 5.5). */
export function trimBlanks(line: string, start: number): string {
  let from = start, end = line.length;
  while (from < end && isBlank(line.charCodeAt(from))) from++;
  while (end > from && isBlank(line.charCodeAt(end - 1))) end--;
  return line.slice(from, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
