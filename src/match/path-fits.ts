const SLASH = 0x2f;
const COLON = 0x3a;
const STAR = 0x2a;

/**
 * Whether a path is one that a configured path with parameters takes: `:name` one segment that is not empty, and at most one `*name` all that is left. It
 * reads the configured path as it is written, since among many routes nothing that is made of it beforehand is in the processor's cache.
 */
export function fitsByHand(path: string, uri: string): boolean {
  let at = 0, begins = true;
  for (let u = 0; u < uri.length; u++) {
    const code = uri.charCodeAt(u);
    if (begins && code === COLON) {
      const stop = endOfSegment(path, at);
      if (stop === at) return false;
      at = stop;
      u = endOfSegment(uri, u) - 1;
      begins = false;
    } else if (begins && code === STAR) {
      return fitsFromEnd(path, at, uri, endOfSegment(uri, u));
    } else {
      if (path.charCodeAt(at) !== code) return false;
      at++;
      begins = code === SLASH;
    }
  }
  return at === path.length;
}

/** Compares what stands after the star, from its slash at `star` on, from the back. */
function fitsFromEnd(path: string, at: number, uri: string, star: number): boolean {
  let end = path.length;
  for (let last = uri.length; last > star;) {
    const from = uri.lastIndexOf("/", last - 1);
    const slash = end === 0 ? -1 : path.lastIndexOf("/", end - 1);
    if (slash < at) return false;
    if (!fitsSegment(path, slash + 1, end, uri, from + 1, last)) return false;
    end = slash;
    last = from;
  }
  return true;
}

function fitsSegment(path: string, at: number, stop: number, uri: string, from: number, to: number): boolean {
  if (uri.charCodeAt(from) === COLON && to > from) return stop > at;
  if (stop - at !== to - from) return false;
  for (let i = 0; i < to - from; i++) if (path.charCodeAt(at + i) !== uri.charCodeAt(from + i)) return false;
  return true;
}

function endOfSegment(text: string, at: number): number {
  const slash = text.indexOf("/", at);
  return slash < 0 ? text.length : slash;
}
