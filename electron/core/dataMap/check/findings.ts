import type { CheckFinding, Severity } from '#shared/contract/dataMap.ts';
import { printable } from '../mapText.ts';

/** Collects findings; names in them are made harmless to whoever prints them. */
export interface Findings {
  readonly all: readonly CheckFinding[];
  add(severity: Severity, code: CheckFinding['code'], subject: string, says: string): void;
}

export function collectFindings(): Findings {
  const all: CheckFinding[] = [];
  return {
    all,
    add(severity, code, subject, says) {
      all.push({ code, subject: printable(subject), severity, says: printable(says) });
    },
  };
}

const ranks: Readonly<Record<Severity, number>> = { blocks: 0, warns: 1, notes: 2 };

/** What blocks first, then by code and subject. */
export function inOrder(findings: readonly CheckFinding[]): CheckFinding[] {
  const key = (each: CheckFinding): string => `${ranks[each.severity]} ${each.code} ${each.subject}`;
  return [...findings].sort((one, other) => (key(one) < key(other) ? -1 : key(one) > key(other) ? 1 : 0));
}
