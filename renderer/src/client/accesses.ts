import { useSyncExternalStore } from 'react';
import type { Access } from '#shared/contract/subjects.ts';

/** An access this window opened, with what is needed to open the next one the same way. */
export interface HeldAccess {
  readonly access: Access;
  readonly reason: string | null;
}

let held: ReadonlyMap<string, HeldAccess> = new Map();
const listeners = new Set<() => void>();

function replace(next: ReadonlyMap<string, HeldAccess>): void {
  held = next;
  for (const listener of listeners) listener();
}

/** Remembers an access under its person; the newest wins. */
export function holdAccess(access: Access, reason: string | null): void {
  replace(new Map(held).set(access.subject, { access, reason }));
}

/** Forgets the access to one person (closed, or run out). */
export function dropAccess(subject: string): void {
  const next = new Map(held);
  if (next.delete(subject)) replace(next);
}

/** Forgets all accesses: someone else signs in. */
export function forgetAccesses(): void {
  if (held.size > 0) replace(new Map());
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The accesses held by this window, by person. They live in memory only. */
export function useAccesses(): ReadonlyMap<string, HeldAccess> {
  return useSyncExternalStore(subscribe, () => held);
}
