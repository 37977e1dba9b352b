import { describe, expect, it } from 'vitest';
import { failureCodes } from '#shared/contract/result.ts';
import { describeEntry, en, knownActions } from '#shared/strings/en.ts';

const entry = {
  actor: 'omkar',
  subject: 'S-0123456789AB',
  requestId: 12,
  outcome: 'done',
  refusal: null,
} as const;

describe('describing entries', () => {
  it.each(knownActions)('puts %s into words', (action) => {
    for (const outcome of ['done', 'intent', 'failed'] as const) {
      const words = describeEntry({ ...entry, action, outcome });
      expect(words).toMatch(/^omkar [a-z]/);
      expect(words).not.toContain(action);
      expect(words).not.toMatch(/undefined|null|\[object|\(| {2}| $/);
    }
  });

  it.each(knownActions)('says of a refused %s what was tried, never that it was done', (action) => {
    const done = describeEntry({ ...entry, action });
    const refused = describeEntry({ ...entry, action, outcome: 'refused', refusal: 'Not today.' });
    expect(refused).toMatch(/^omkar tried to [a-z]+ .*[^ ] and was refused: Not today\.$/);
    expect(refused).not.toContain(done);
    expect(describeEntry({ ...entry, action, outcome: 'refused' })).toMatch(/ and was refused$/);
  });

  it.each(knownActions)('does not tell a failed %s as done', (action) => {
    const unfinished = [
      'export.failed',
      'erasure.incomplete',
      'retention.incomplete',
      'custody.not_written',
      'copy.not_shredded',
    ].includes(action);
    expect(
      describeEntry({ ...entry, action, outcome: 'failed' }) === describeEntry({ ...entry, action }),
    ).toBe(unfinished);
  });

  it('says whom, under which request and how it ended', () => {
    expect(describeEntry({ ...entry, action: 'reveal.shown' })).toBe(
      'omkar was shown one value of S-0123456789AB under request 12',
    );
    expect(
      describeEntry({
        ...entry,
        action: 'plan.approved',
        outcome: 'refused',
        refusal: 'Nobody decides about a plan of their own; another person has to.',
      }),
    ).toBe(
      'omkar tried to approve the deletion plan for S-0123456789AB under request 12 and was refused: Nobody decides about a plan of their own; another person has to.',
    );
    expect(describeEntry({ ...entry, action: 'search.run', subject: null, requestId: null })).toBe(
      'omkar searched people',
    );
    expect(describeEntry({ ...entry, action: 'trail.verified', outcome: 'intent' })).toBe(
      'omkar set out to verify the trail',
    );
    expect(describeEntry({ ...entry, action: 'objects.deleted', outcome: 'failed' })).toBe(
      'omkar could not delete all objects of S-0123456789AB in R2 under request 12',
    );
    expect(describeEntry({ ...entry, action: 'trail.exported', outcome: 'failed' })).toBe(
      'omkar tried to export the trail, without success',
    );
  });

  it('shows an unknown action as it is, also one named like a member of every object', () => {
    expect(describeEntry({ ...entry, action: 'future.thing' })).toBe(
      'omkar: future.thing S-0123456789AB under request 12',
    );
    expect(describeEntry({ ...entry, action: 'future.thing', outcome: 'refused', refusal: 'No.' })).toBe(
      'omkar: future.thing S-0123456789AB under request 12, was refused: No.',
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
