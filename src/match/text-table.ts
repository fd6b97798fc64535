/** Colours a text, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string;

type Style = "bold" | "dim" | "red" | "green" | "yellow";

const CODES: Readonly<Record<Style, readonly [on: number, off: number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
};

/** Makes the function that colours texts with ANSI escapes (ECMA-48 section 8.3.117, SGR). */
export function createPaint(color: boolean): Paint {
  if (!color) return (_, text) => text;
  return (style, text) => `\x1b[${CODES[style][0]}m${text}\x1b[${CODES[style][1]}m`;
}

/** Widest column that others are aligned to; a cell that is wider pushes the rest of its own row alone. */
const MAX_WIDTH = 48;

/** Puts the cells of rows under one another, two spaces between them, without spaces at the end of lines. */
export function alignRows(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, text] of row.entries()) {
      const width = widthOf(text);
      if (width <= MAX_WIDTH) widths[i] = Math.max(widths[i] ?? 0, width);
    }
  }
  return rows.map((row) =>
    row.map((text, i) => text + " ".repeat(Math.max(0, (widths[i] ?? 0) - widthOf(text)))).join("  ").trimEnd()
  );
}

/** Characters of a text, colours left out. */
function widthOf(text: string): number {
  // deno-lint-ignore no-control-regex -- escapes are what this is about
  return [...text.replace(/\x1b\[\d+m/g, "")].length;
}
