import { createHash } from 'node:crypto';

/** A link of the chain as the database gives it: number, SHA-256 of the leaf and of the chain, both hex. */
export interface Link {
  readonly number: number;
  readonly leaf: string;
  readonly chain: string;
}

/** Where the chain stood last: the number and chain value of an entry; number 0 and an empty value before the first. */
export interface Head {
  readonly number: number;
  readonly chain: string;
}

/** What is wrong with a trail, by the first number at which it shows. */
export interface Fault {
  readonly number: number;
  readonly says: string;
}

export const beginning: Head = { number: 0, chain: '' };

/** Leaf of an entry: SHA-256 of a zero byte and its canonical bytes (the leaf hash of RFC 6962, section 2.1). */
export function leafOf(bytes: Uint8Array): string {
  return createHash('sha256').update(Buffer.of(0)).update(bytes).digest('hex');
}

/** Chain value after `leaf`: SHA-256 of the value before and the leaf. */
export function chainAfter(before: string, leaf: string): string {
  return createHash('sha256')
    .update(Buffer.from(before, 'hex'))
    .update(Buffer.from(leaf, 'hex'))
    .digest('hex');
}

/** Follows one link from `head`; gives the new head, or what is wrong. */
export function follow(head: Head, link: Link): Head | Fault {
  if (link.number !== head.number + 1) {
    return link.number > head.number
      ? { number: head.number + 1, says: `Entry ${head.number + 1} is missing.` }
      : { number: link.number, says: `Entry ${link.number} is there twice.` };
  }
  const expected = chainAfter(head.chain, link.leaf);
  if (expected !== link.chain) {
    return { number: link.number, says: `Entry ${link.number} was changed, or stands in another's place.` };
  }
  return { number: link.number, chain: link.chain };
}

export function isFault(outcome: Head | Fault): outcome is Fault {
  return 'says' in outcome;
}
