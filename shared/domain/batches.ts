/** Where the people of a batch come from: the queue of closed accounts, or a list of identifiers. */
export const batchSources = ['closed', 'csv'] as const;

/** What an identifier is: the console's own reference (of the queue alone), an address, a number, or the platform's key. */
export const batchForms = ['reference', 'email', 'phone', 'id'] as const;

export const batchStates = [
  'matching',
  'planning',
  'awaiting',
  'approved',
  'denied',
  'running',
  'done',
  'cancelled',
] as const;

/** What came of one line of a batch. */
export const batchItemStates = [
  'unmatched',
  'matched',
  'not_found',
  'ambiguous',
  'duplicate',
  'planned',
  'set_aside',
  'done',
] as const;

/** How many people one batch may hold. */
export const batchLimit = 1_000;
