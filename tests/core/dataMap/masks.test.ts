import { expect, inject, test } from 'vitest';
import { maskOf } from '#core/dataMap/masks.ts';
import { maskNames } from '#core/dataMap/map.ts';
import { openBareClient } from '#tests/helpers/bareClient.ts';

async function masked(
  mask: (typeof maskNames)[number],
  values: readonly (string | null)[],
): Promise<readonly unknown[]> {
  const { host, port, superuser } = inject('platform');
  const client = await openBareClient({ host, port, database: 'postgres' }, superuser);
  try {
    const { rows } = await client.query<{ m: unknown }>(
      `select ${maskOf(mask, 't.v')} as m from unnest($1::text[]) with ordinality t(v, n) order by n`,
      [values],
    );
    return rows.map((row) => row.m);
  } finally {
    await client.end();
  }
}

test('tell people apart and give nothing to write to', async () => {
  expect(
    await masked('email', [
      'anita.rao+x@mail.example.com',
      'A@B.test',
      'x@localhost',
      'no address',
      '@x',
      '',
      null,
    ]),
  ).toEqual(['a•••@m•••.com', 'A•••@B•••.test', 'x•••@l•••', '•••', '•••', '•••', null]);
  expect(
    await masked('name', ['Anita Rao', 'ज्योति कुलकर्णी', '🙂 O’Neil van der Berg', ' x', '', null]),
  ).toEqual(['A••• R•••', 'ज••• क•••', '🙂••• O••• v•••', 'x•••', '•••', null]);
  expect(await masked('phone', ['+917000012345', '12345', '', null])).toEqual([
    '+91 ••••• ••345',
    '•••',
    '•••',
    null,
  ]);
  expect(await masked('address', ['203.0.113.7/32', '2001:db8::1', null])).toEqual([
    '203.0.•.•',
    '2001:•••',
    null,
  ]);
  expect(await masked('text', ['secret', '', null])).toEqual(['•••', '', null]);
  expect(await masked('number', ['12', null])).toEqual(['•••', null]);
});

test('the middle of a long value is in none of them', async () => {
  for (const mask of maskNames) {
    const [shown] = await masked(mask, ['abcdefg-SECRET-uvwxyz']);
    expect(shown, mask).not.toContain('SECRET');
  }
});
