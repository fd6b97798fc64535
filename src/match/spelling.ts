/** Longest texts that are compared letter by letter. */
const MAX_COMPARED = 40;

/** Most letters that may differ. */
const MAX_EDITS = 2;

/** Whether one or two letters more, less or other make one text of the other. */
export function isAlmost(a: string, b: string): boolean {
  if (Math.min(a.length, b.length) < 3 || Math.max(a.length, b.length) > MAX_COMPARED) return false;
  return Math.abs(a.length - b.length) <= MAX_EDITS && editDistance(a, b, MAX_EDITS) <= MAX_EDITS;
}

/** How many letters more, less or other make one text of the other; more than `most` where it is more than that. */
export function editDistance(a: string, b: string, most: number): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const edits = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
      next.push(edits);
      least = Math.min(least, edits);
    }
    if (least > most) return most + 1;
    row = next;
  }
  return row[b.length]!;
}

/** How many letters two texts begin with in common, whatever their case. */
export function commonStart(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let n = 0;
  while (n < most && lower(a, n) === lower(b, n)) n++;
  return n;
}

function lower(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code >= 0x41 && code <= 0x5a ? code | 0x20 : code;
}
