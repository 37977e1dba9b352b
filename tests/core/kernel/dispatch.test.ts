import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createDispatch, type Handlers } from '#core/kernel/dispatch.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import { openLog, type Log } from '#core/kernel/log.ts';
import type { Role } from '#shared/domain/roles.ts';

/** A dispatch whose handlers are given; any other would be a bug of the test. */
function dispatchWith(handlers: Partial<Handlers>, roles: readonly Role[] | null, log: Log = openLog(null)) {
  return createDispatch({ handlers: handlers as Handlers, roles: () => roles, refuse: () => undefined, log });
}

test('asks for an operation that isn’t in the contract, also by names every object has', async () => {
  const dispatch = dispatchWith({}, ['admin']);
  for (const name of ['no.such', '__proto__', 'constructor', 'toString', '']) {
    expect(await dispatch(name, {})).toMatchObject({ ok: false, failure: { code: 'invalid_input' } });
  }
});

test('asks without being signed in, and with a role that doesn’t reach', async () => {
  expect(await dispatchWith({}, null)('requests.list', {})).toMatchObject({
    ok: false,
    failure: { code: 'not_signed_in' },
  });
  expect(await dispatchWith({}, ['auditor'])('search.run', { text: 'someone' })).toMatchObject({
    ok: false,
    failure: { code: 'not_permitted' },
  });
});

test('sends what doesn’t parse; the refusal doesn’t quote it', async () => {
  const dispatch = dispatchWith({}, ['operator']);
  const result = await dispatch('subjects.open', { subject: 'anita@example.com', reason: 'x' });
  expect(result).toMatchObject({ ok: false, failure: { code: 'invalid_input' } });
  expect(JSON.stringify(result)).not.toContain('anita');
});

test('a handler shows or changes something and leaves no entry: refused as a bug', async () => {
  const dispatch = dispatchWith(
    {
      'subjects.close': () => Promise.resolve({ entry: 1 }),
      'search.run': () => Promise.resolve({ hits: [], more: false, entry: 1 }),
    },
    ['operator'],
  );
  expect(await dispatch('subjects.close', { accessId: 1 })).toMatchObject({
    ok: false,
    failure: { code: 'internal' },
  });
  expect(await dispatch('search.run', { text: 'someone', reason: 'because' })).toMatchObject({
    ok: false,
    failure: { code: 'internal' },
  });
});

test('a bug leaves as an incident number; the log holds where it was and nothing that was in hand', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'privacy-console-log-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const log = openLog(folder);
  const dispatch = dispatchWith(
    { 'session.current': () => Promise.reject(new Error('row of anita@example.com\n    at +917000012345')) },
    null,
    log,
  );
  const result = await dispatch('session.current', {});
  log.close();
  const written = await readFile(path.join(folder, 'console.log'), 'utf8');
  if (result.ok) throw new Error('expected a failure');
  expect(result.failure.code).toBe('internal');
  expect(written).toContain(result.failure.incident);
  for (const text of [written, JSON.stringify(result)]) {
    expect(text).not.toContain('anita');
    expect(text).not.toContain('7000012345');
  }
});

test('an output that isn’t what the contract says doesn’t leave', async () => {
  const dispatch = dispatchWith({ 'session.signOut': () => Promise.resolve('secret' as never) }, null);
  expect(await dispatch('session.signOut', {})).toMatchObject({ ok: false, failure: { code: 'internal' } });
});

test('an expected failure keeps its sentence', async () => {
  const dispatch = dispatchWith(
    {
      'session.signOut': () =>
        Promise.reject(new ExpectedError('disk', 'The disk is full; free some space.')),
    },
    null,
  );
  expect(await dispatch('session.signOut', {})).toEqual({
    ok: false,
    failure: { code: 'disk', message: 'The disk is full; free some space.' },
  });
});
