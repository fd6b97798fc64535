import type { Candidate } from "./candidate.ts";
import type { PathPart } from "./path-parts.ts";

/** Where some routes' paths agree up to here. */
class Node<T> {
  literal: Map<string, Node<T>> | undefined = undefined;
  one: Node<T> | undefined = undefined;
  /** Paths that end here. */
  ends: Candidate<T>[] | undefined = undefined;
  /** Paths with `*` from here on. */
  rests: Candidate<T>[] | undefined = undefined;

  get empty(): boolean {
    return (this.literal?.size ?? 0) === 0 && this.one === undefined && (this.ends?.length ?? 0) === 0 &&
      (this.rests?.length ?? 0) === 0;
  }
}

/**
 * Finds, among many paths with parameters that begin alike, those that may fit, by their segments. What stands after a `*` is not compared here.
 */
export class SegmentTrie<T> {
  readonly #root = new Node<T>();

  add(candidate: Candidate<T>, parts: readonly PathPart[]): void {
    let node = this.#root;
    for (const part of parts) {
      if ("rest" in part) {
        (node.rests ??= []).push(candidate);
        return;
      }
      if ("one" in part) node = node.one ??= new Node<T>();
      else {
        node.literal ??= new Map<string, Node<T>>();
        let next = node.literal.get(part.text);
        if (next === undefined) node.literal.set(part.text, next = new Node<T>());
        node = next;
      }
    }
    (node.ends ??= []).push(candidate);
  }

  remove(candidate: Candidate<T>, parts: readonly PathPart[]): void {
    this.#remove(this.#root, candidate, parts, 0);
  }

  #remove(node: Node<T>, candidate: Candidate<T>, parts: readonly PathPart[], at: number): void {
    const part = parts[at];
    if (part === undefined) drop(node.ends, candidate);
    else if ("rest" in part) drop(node.rests, candidate);
    else {
      const next = "one" in part ? node.one : node.literal?.get(part.text);
      if (next === undefined) return;
      this.#remove(next, candidate, parts, at + 1);
      if (!next.empty) return;
      if ("one" in part) node.one = undefined;
      else node.literal!.delete(part.text);
    }
  }

  /** The routes whose path may fit, in no order. */
  collect(path: string): Candidate<T>[] {
    if (this.#root.empty) return [];
    const found: Candidate<T>[] = [];
    visit(this.#root, path, 0, found);
    return found;
  }
}

function visit<T>(node: Node<T>, path: string, at: number, found: Candidate<T>[]): void {
  if (at > path.length) {
    if (node.ends !== undefined) found.push(...node.ends);
    return;
  }
  if (node.rests !== undefined) found.push(...node.rests);
  if (node.literal === undefined && node.one === undefined) return;
  const slash = path.indexOf("/", at);
  const stop = slash < 0 ? path.length : slash;
  const literal = node.literal?.get(path.slice(at, stop));
  if (literal !== undefined) visit(literal, path, stop + 1, found);
  if (node.one !== undefined && stop > at) visit(node.one, path, stop + 1, found);
}

function drop<T>(list: Candidate<T>[] | undefined, candidate: Candidate<T>): void {
  const at = list?.indexOf(candidate) ?? -1;
  if (at >= 0) list!.splice(at, 1);
}
