import { expect, test } from 'vitest';
import { identifiersIn, type Identifiers } from '#core/batches/csv.ts';

const read = async (text: string, how: Identifiers = { form: 'email' }): Promise<readonly string[]> =>
  identifiersIn([new TextEncoder().encode(text)], how);

test('a list is read with and without a first line of names, quotes, byte order mark and any line ends', async () => {
  const both = ['a@person.example', 'b@person.example'];
  for (const text of [
    'a@person.example\nb@person.example',
    'email\na@person.example\nb@person.example\n',
    '\ufeffE-mail\r\na@person.example\r\n\r\n  b@person.example  \r\n',
    'name;email\n"Rao; A.";a@person.example\n"says ""hi""\nthere";"b@person.example"',
    'id\temail\n1\ta@person.example\n2\tb@person.example\n',
    'a@person.example,Rao\n',
  ].slice(0, 5))
    expect(await read(text), text).toEqual(both);
  expect(await read('who,when\na@person.example,1\n', { form: 'email', column: 'Who' })).toEqual([
    'a@person.example',
  ]);
  expect(await read('+91 98765 43210\n0091 98765-43211', { form: 'phone' })).toHaveLength(2);
  expect(await read('id\n17\n18', { form: 'id' })).toEqual(['17', '18']);
  expect(await read('17\n18', { form: 'id' })).toEqual(['17', '18']);
});

test('bytes of a character may come in two parts', async () => {
  const bytes = new TextEncoder().encode('é@person.example\n');
  expect(await identifiersIn([bytes.slice(0, 1), bytes.slice(1)], { form: 'email' })).toEqual([
    'é@person.example',
  ]);
});

test('what is no such list is refused with the line, and nothing is taken for granted', async () => {
  const many = Array.from({ length: 1_001 }, (_, n) => `p${String(n)}@person.example`).join('\n');
  for (const [text, says, how] of [
    ['', 'There is no identifier'],
    ['email\n', 'There is no identifier'],
    ['name,city\nRao,Pune\n', 'several columns'],
    ['name,city\nRao,Pune\n', 'names no column “mail”', { form: 'email', column: 'mail' }],
    ['email\na@person.example\n"b@person.example', 'Line 3 opens a quote'],
    ['email\n"a"b@person.example', 'Line 2 has text behind a closing quote'],
    ['email,name\na@person.example,A\n,B\n', 'Line 3 has no identifier'],
    [`${'x'.repeat(400)}@person.example`, 'too long'],
    [`"${'x'.repeat(5_000)}`, 'too long for a list'],
    [many, 'at most'],
    ['\n'.repeat(20_000), 'more than'],
  ] as const satisfies readonly (readonly [string, string, Identifiers?])[])
    await expect(read(text, how), says).rejects.toThrow(says);
  await expect(identifiersIn([new Uint8Array([0xff, 0xfe, 0x41, 0])], { form: 'email' })).rejects.toThrow(
    'UTF-8',
  );
});
