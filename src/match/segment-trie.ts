import type { Candidate } from "./candidate.ts";
import type { PathPart } from "./path-parts.ts";
import { PathTable } from "./path-table.ts";
import { hashText } from "./prefix-hashes.ts";

const SLASH = "/";
/** Numbers of a node: where a parameter leads to (0 = nowhere), and how many texts, routes that end there and routes with `*` from there on. */
const NODE = 4;
const ROOT = 1;

/** One route, as it nearly always is, or several, in no order. */
type Few<T> = Candidate<T> | Candidate<T>[] | undefined;

/**
 * Finds, among many paths with parameters that begin alike, those that may fit, by their segments. What stands after a `*` is not compared here. Its nodes
 * are numbers and its branches keys of a table: among many routes, each object on the way would have to come from memory.
 */
export class SegmentTrie<T> {
  /** Where a text leads to from a node, whose number is the owner. */
  readonly #branches = new PathTable<number>();
  #nodes: Int32Array = new Int32Array(NODE * 16);
  #count = ROOT + 1;
  readonly #unused: number[] = [];
  /** Routes by the node that their path ends at, and by that from which on it has a `*`. */
  readonly #ends: Few<T>[] = [undefined, undefined];
  readonly #rests: Few<T>[] = [undefined, undefined];

  add(candidate: Candidate<T>, parts: readonly PathPart[]): void {
    let node = ROOT;
    for (const part of parts) {
      if ("rest" in part) {
        this.#rests[node] = more(this.#rests[node], candidate);
        this.#nodes[NODE * node + 3]!++;
        return;
      }
      if ("one" in part) {
        let next = this.#nodes[NODE * node]!;
        if (next === 0) {
          next = this.#create();
          this.#nodes[NODE * node] = next;
        }
        node = next;
      } else node = this.#branch(node, part.text);
    }
    this.#ends[node] = more(this.#ends[node], candidate);
    this.#nodes[NODE * node + 2]!++;
  }

  remove(candidate: Candidate<T>, parts: readonly PathPart[]): void {
    this.#remove(ROOT, candidate, parts, 0);
  }

  /** Adds the routes whose path may fit to a list, in no order. */
  collect(path: string, found: Candidate<T>[]): void {
    this.#visit(ROOT, path, 0, found);
  }

  #visit(node: number, path: string, at: number, found: Candidate<T>[]): void {
    const numbers = this.#nodes, here = NODE * node;
    if (at > path.length) {
      if (numbers[here + 2]! > 0) push(found, this.#ends[node]);
      return;
    }
    if (numbers[here + 3]! > 0) push(found, this.#rests[node]);
    const one = numbers[here]!, texts = numbers[here + 1]!;
    if (one === 0 && texts === 0) return;
    const slash = path.indexOf(SLASH, at);
    const stop = slash < 0 ? path.length : slash;
    if (texts > 0) {
      const next = this.#branches.find(node, hashText(path, at, stop), path, at, stop - at);
      if (next !== undefined) this.#visit(next, path, stop + 1, found);
    }
    if (one > 0 && stop > at) this.#visit(one, path, stop + 1, found);
  }

  #branch(node: number, text: string): number {
    let next = 0;
    this.#branches.update(node, text, (before) => {
      if (before === undefined) this.#nodes[NODE * node + 1]!++;
      return next = before ?? this.#create();
    });
    return next;
  }

  #create(): number {
    const node = this.#unused.pop() ?? this.#count++;
    if (NODE * node >= this.#nodes.length) {
      const grown = new Int32Array(this.#nodes.length * 2);
      grown.set(this.#nodes);
      this.#nodes = grown;
    }
    this.#nodes.fill(0, NODE * node, NODE * (node + 1));
    this.#ends[node] = undefined;
    this.#rests[node] = undefined;
    return node;
  }

  #remove(node: number, candidate: Candidate<T>, parts: readonly PathPart[], at: number): void {
    const part = parts[at], here = NODE * node;
    if (part === undefined) {
      this.#ends[node] = less(this.#ends[node], candidate);
      this.#nodes[here + 2]!--;
      return;
    }
    if ("rest" in part) {
      this.#rests[node] = less(this.#rests[node], candidate);
      this.#nodes[here + 3]!--;
      return;
    }
    const next = "one" in part ? this.#nodes[here]! : this.#branches.get(node, part.text)!;
    this.#remove(next, candidate, parts, at + 1);
    for (let i = 0; i < NODE; i++) if (this.#nodes[NODE * next + i] !== 0) return;
    this.#unused.push(next);
    if ("one" in part) this.#nodes[here] = 0;
    else {
      this.#branches.update(node, part.text, () => undefined);
      this.#nodes[here + 1]!--;
    }
  }
}

function more<T>(few: Few<T>, candidate: Candidate<T>): Few<T> {
  if (few === undefined) return candidate;
  return Array.isArray(few) ? [...few, candidate] : [few, candidate];
}

function less<T>(few: Few<T>, candidate: Candidate<T>): Few<T> {
  if (!Array.isArray(few)) return few === candidate ? undefined : few;
  const rest = few.filter((one) => one !== candidate);
  return rest.length === 1 ? rest[0] : rest;
}

function push<T>(found: Candidate<T>[], few: Few<T>): void {
  if (Array.isArray(few)) found.push(...few);
  else if (few !== undefined) found.push(few);
}
