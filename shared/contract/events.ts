import type { Session } from './connections.ts';
import type { Job } from './workstation.ts';

/** What the core tells the window unasked. Holds no personal data. */
export type ConsoleEvent =
  | { readonly type: 'job'; readonly job: Job }
  | { readonly type: 'session'; readonly session: Session | null; readonly locked: boolean }
  /** The trail grew; the number is the newest entry's. */
  | { readonly type: 'trail'; readonly number: number };
