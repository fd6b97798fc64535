/** A place in an {@link SuffixTree}: some text further than its parent, and perhaps a value. */
export interface SuffixNode<V> {
  /** What this node adds to its parent's text; empty for the root alone. */
  readonly label: string;
  readonly parent: SuffixNode<V> | undefined;
  readonly value: V | undefined;
}

class Node<V> implements SuffixNode<V> {
  label: string;
  parent: Node<V> | undefined;
  value: V | undefined = undefined;
  /** The one child, where there is one: most nodes have no more, and reading a list would cost three steps. */
  only: Node<V> | undefined = undefined;
  /** Two children or more. */
  many: readonly Node<V>[] | undefined = undefined;
  /** The character that each of {@link Node.many} begins with, in their order. */
  heads = "";

  constructor(label: string, parent: Node<V> | undefined) {
    this.label = label;
    this.parent = parent;
  }

  get children(): readonly Node<V>[] {
    return this.many ?? (this.only === undefined ? [] : [this.only]);
  }

  /** The child that may begin with that character; where there is only one, it may begin with another. */
  childAt(head: string): Node<V> | undefined {
    if (this.many === undefined) return this.only;
    const i = this.heads.indexOf(head);
    return i < 0 ? undefined : this.many[i];
  }

  /** @param heads The first characters of the children, in their order. */
  setChildren(children: readonly Node<V>[], heads: string): void {
    this.only = children.length === 1 ? children[0] : undefined;
    this.many = children.length > 1 ? children : undefined;
    this.heads = children.length > 1 ? heads : "";
  }
}

/** The character that comes after `at` others, read from the end. */
function head(text: string, at: number): string {
  return text.charAt(text.length - 1 - at);
}

/**
 * A radix tree of suffixes that changes in place: finding, adding and deleting cost the length of the text, whatever
 * the number of entries, and a deletion leaves no empty node behind.
 *
 * @example
 * ```ts
 * const tree = new SuffixTree<number>();
 * tree.update(".com", () => 1);
 * tree.update("a.com", () => 2);
 * for (let node = tree.deepest("aa.com"); node !== undefined; node = node.parent) console.log(node.value); // 2, 1, undefined
 * ```
 */
export class SuffixTree<V> {
  readonly #root: Node<V> = new Node<V>("", undefined);
  #size = 0;

  /** Number of values. */
  get size(): number {
    return this.#size;
  }

  get(key: string): V | undefined {
    return this.#find(key)?.value;
  }

  /** Puts what `change` makes of the present value (undefined = none) in its place; undefined deletes it. */
  update(key: string, change: (value: V | undefined) => V | undefined): void {
    const node = this.#findOrAdd(key);
    const before = node.value;
    node.value = change(before);
    if (before === undefined) this.#size++;
    if (node.value === undefined) this.#size--;
    if (node.value === undefined) this.#tidy(node);
  }

  /** The deepest node whose text the given text ends with. Its value and those of its parents are all the matches, longest first. */
  deepest(text: string): SuffixNode<V> {
    let node = this.#root;
    let at = 0;
    while (at < text.length) {
      const child = node.childAt(head(text, at));
      if (child === undefined || !text.endsWith(child.label, text.length - at)) break;
      at += child.label.length;
      node = child;
    }
    return node;
  }

  /** All values with their keys, in no particular order. */
  *entries(): Generator<[key: string, value: V]> {
    const open: [Node<V>, string][] = [[this.#root, ""]];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const [node, key] = next;
      if (node.value !== undefined) yield [key, node.value];
      for (const child of node.children) {
        open.push([child, child.label + key]);
      }
    }
  }

  /** Number of nodes, the root left out. */
  countNodes(): number {
    let count = -1;
    const open = [this.#root];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      count++;
      open.push(...node.children);
    }
    return count;
  }

  #find(key: string): Node<V> | undefined {
    const node = this.deepest(key) as Node<V>;
    let length = 0;
    for (let up: Node<V> | undefined = node; up !== undefined; up = up.parent) length += up.label.length;
    return length === key.length ? node : undefined;
  }

  #findOrAdd(key: string): Node<V> {
    let node = this.#root;
    let at = 0;
    while (at < key.length) {
      const first = head(key, at);
      const child = node.childAt(first);
      if (child === undefined || head(child.label, 0) !== first) {
        const leaf = new Node<V>(key.slice(0, key.length - at), node);
        this.#setChildren(node, [...node.children, leaf]);
        return leaf;
      }
      const common = this.#common(key, at, child.label);
      node = common === child.label.length ? child : this.#split(node, child, common);
      at += common;
    }
    return node;
  }

  /** How many characters the rest of the key and a label share; at least one. */
  #common(key: string, at: number, label: string): number {
    const most = Math.min(label.length, key.length - at);
    let n = 1;
    while (n < most && head(key, at + n) === head(label, n)) n++;
    return n;
  }

  #split(parent: Node<V>, child: Node<V>, length: number): Node<V> {
    const middle = new Node<V>(child.label.slice(child.label.length - length), parent);
    child.label = child.label.slice(0, child.label.length - length);
    child.parent = middle;
    this.#setChildren(middle, [child]);
    this.#replace(parent, child, middle);
    return middle;
  }

  /** Removes a node that has become empty, and joins one with its only child. */
  #tidy(node: Node<V>): void {
    const { parent, only } = node;
    if (parent === undefined || node.value !== undefined || node.many !== undefined) return;
    if (only === undefined) {
      this.#setChildren(parent, parent.children.filter((child) => child !== node));
      this.#tidy(parent);
    } else {
      only.label += node.label;
      only.parent = parent;
      this.#replace(parent, node, only);
    }
  }

  #replace(parent: Node<V>, child: Node<V>, by: Node<V>): void {
    this.#setChildren(parent, parent.children.map((one) => one === child ? by : one));
  }

  #setChildren(node: Node<V>, children: readonly Node<V>[]): void {
    node.setChildren(children, children.map((child) => head(child.label, 0)).join(""));
  }
}
