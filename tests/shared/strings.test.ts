import { describe, expect, it } from 'vitest';
import { failureCodes } from '#shared/contract/result.ts';
import { describeEntry, en, knownActions } from '#shared/strings/en.ts';

const entry = { actor: 'omkar', subject: 'S-0123456789AB', requestId: 12, outcome: 'done' } as const;

describe('describing entries', () => {
  it.each(knownActions)('puts %s into words', (action) => {
    const words = describeEntry({ ...entry, action });
    expect(words).toContain('omkar');
    expect(words).not.toContain(action);
    expect(words).not.toMatch(/undefined|null|\[object/);
  });

  it('says whom, under which request and how it ended', () => {
    expect(describeEntry({ ...entry, action: 'reveal.shown' })).toBe(
      'omkar was shown one value of S-0123456789AB under request 12',
    );
    expect(describeEntry({ ...entry, action: 'plan.approved', outcome: 'refused' })).toBe(
      'omkar approved the deletion plan for S-0123456789AB under request 12 (refused)',
    );
    expect(describeEntry({ ...entry, action: 'search.run', subject: null, requestId: null })).toBe(
      'omkar searched people',
    );
  });

  it('shows an unknown action as it is, also one named like a member of every object', () => {
    expect(describeEntry({ ...entry, action: 'future.thing' })).toBe(
      'omkar: future.thing S-0123456789AB under request 12',
    );
    expect(describeEntry({ ...entry, action: 'constructor' })).toContain('constructor');
  });
});

describe('the catalogue', () => {
  it('names every failure', () => {
    for (const code of failureCodes) expect(en.failure.title[code]).toMatch(/\S/);
  });

  it('counts days in words', () => {
    expect([3, 1, 0, -1, -12].map(en.request.daysLeft)).toEqual([
      '3 days left',
      '1 day left',
      'due today',
      '1 day late',
      '12 days late',
    ]);
  });
});
