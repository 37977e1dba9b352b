/**
 * What happens to a medium that holds a package, from the first byte on it to its end. `writing` is recorded before
 * anything is written, `written` when it was read back from the medium, and `not_written` when that failed.
 */
export const custodyEvents = [
  'writing',
  'written',
  'not_written',
  'handed_over',
  'received',
  'returned',
  'destroyed',
] as const;
export type CustodyEvent = (typeof custodyEvents)[number];

/** What people record; the others the console records as it writes. */
export const recordedEvents = ['handed_over', 'received', 'returned', 'destroyed'] as const;
export type RecordedEvent = (typeof recordedEvents)[number];

/** After which event of the same medium each may come; null where the medium has none yet. */
export const custodyMoves: Readonly<Record<CustodyEvent, readonly (CustodyEvent | null)[]>> = {
  writing: [null, 'writing', 'not_written', 'destroyed'],
  written: ['writing'],
  not_written: ['writing'],
  handed_over: ['written', 'returned'],
  received: ['handed_over'],
  returned: ['handed_over', 'received'],
  destroyed: ['written', 'returned', 'not_written'],
};

/** What of a medium can be recorded now. */
export function nextEvents(last: CustodyEvent | null): readonly RecordedEvent[] {
  return recordedEvents.filter((event) => custodyMoves[event].includes(last));
}

/** What a medium can be called: written on it by hand, read aloud, and no name of a person. */
export const mediumLabel = /^[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}$/;
