/** What the search screen held when it was left: so that coming back costs no second, recorded search. */
export interface HeldSearch {
  readonly text: string;
  readonly why: {
    readonly by: 'request' | 'reason';
    readonly requestId: number | null;
    readonly reason: string;
  };
  readonly asked: {
    readonly text: string;
    readonly why: { readonly requestId: number } | { readonly reason: string };
    readonly turn: number;
  } | null;
}

let waiting: string | null = null;
let held: HeldSearch | null = null;

/** Hands a text from the jump box to the search screen: never through the address, which may be logged. */
export function handOverSearch(text: string): void {
  waiting = text;
}

/** Takes the handed-over text, once. */
export function takeSearch(): string | null {
  const text = waiting;
  waiting = null;
  return text;
}

/** Keeps what the search screen shows, in memory only. */
export function holdSearch(search: HeldSearch): void {
  held = search;
}

export function heldSearch(): HeldSearch | null {
  return held;
}

/** Forgets the texts: the window is locked, or someone else signs in. */
export function forgetSearch(): void {
  waiting = null;
  held = null;
}
