/**
 * Takes a path of an issue apart: `upstream.nodes[0].port` is `["upstream", "nodes", 0, "port"]`. A name that was shortened in the path leads no
 * further than to what holds it.
 */
export function parsePath(path: string): (string | number)[] {
  const steps: (string | number)[] = [];
  for (const [, index, quoted, name] of path.matchAll(/\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|([^.[\]]+)/g)) {
    if (index !== undefined) steps.push(Number(index));
    else if (quoted !== undefined) steps.push(unquote(quoted));
    else if (name !== undefined) steps.push(name);
  }
  return steps;
}

function unquote(text: string): string {
  try {
    return JSON.parse(text) as string;
  } catch {
    return text;
  }
}
