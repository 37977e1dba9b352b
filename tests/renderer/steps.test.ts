import { expect, it } from 'vitest';
import { requestSteps } from '../../renderer/src/features/requests/steps.ts';

function states(...from: Parameters<typeof requestSteps>): string {
  return requestSteps(...from)
    .map((step) => step.state)
    .join(' ');
}

it('begins with finding the person', () => {
  expect(states({ kind: 'export', subject: null, closedAt: null }, [], [], [])).toBe('now later later later');
});

it('takes a finished package as made and reviewed, a failed one not', () => {
  const request = { kind: 'access', subject: 'S-0123456789AB', closedAt: null } as const;
  expect(states(request, [{ state: 'failed' }], [], [])).toBe('done now later later');
  expect(states(request, [{ state: 'failed' }, { state: 'done' }], [], [])).toBe('done done done now');
});

it('leads a deletion from plan over approval and run to closing', () => {
  const request = { kind: 'deletion', subject: 'S-0123456789AB', closedAt: null } as const;
  expect(states(request, [], [{ state: 'denied' }, { state: 'expired' }], [])).toBe('done now later later');
  expect(states(request, [], [{ state: 'approved' }], [])).toBe('done done now later');
  expect(states(request, [], [{ state: 'done' }], [])).toBe('done done done now');
});

it('leads a correction from its proposal over the second person to closing', () => {
  const request = { kind: 'correction', subject: 'S-0123456789AB', closedAt: null } as const;
  expect(states(request, [], [], [{ state: 'denied', undoes: null }])).toBe('done now later later');
  expect(states(request, [], [], [{ state: 'waiting', undoes: null }])).toBe('done done now later');
  expect(states(request, [], [], [{ state: 'done', undoes: null }])).toBe('done done done now');
  expect(
    states(
      request,
      [],
      [],
      [
        { state: 'done', undoes: 1 },
        { state: 'undone', undoes: null },
      ],
    ),
  ).toBe('done done now later');
});

it('shows no step as current once it is closed', () => {
  expect(states({ kind: 'deletion', subject: null, closedAt: '2026-11-22T08:00:00Z' }, [], [], [])).toBe(
    'later later later done',
  );
});
