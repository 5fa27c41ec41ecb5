/** What a chain holds: the links are its own, so a node is in one chain at most. */
export type Link<N> = { before: N | undefined; after: N | undefined };

/** A doubly linked list through its nodes: every step is O(1) and allocates nothing. */
export class Chain<N extends Link<N>> {
  first: N | undefined;
  last: N | undefined;

  push(node: N): void {
    node.before = this.last;
    node.after = undefined;
    if (this.last) this.last.after = node;
    else this.first = node;
    this.last = node;
  }

  /** `node` must be in this chain. */
  remove(node: N): void {
    if (node.before) node.before.after = node.after;
    else this.first = node.after;
    if (node.after) node.after.before = node.before;
    else this.last = node.before;
    node.before = undefined;
    node.after = undefined;
  }

  /** Moves all of `other` before the first, in their order. */
  prepend(other: Chain<N>): void {
    if (!other.last) return;
    other.last.after = this.first;
    if (this.first) this.first.before = other.last;
    else this.last = other.last;
    this.first = other.first;
    other.first = undefined;
    other.last = undefined;
  }
}
