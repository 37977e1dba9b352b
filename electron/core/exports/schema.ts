import type { MappedColumn } from '#shared/contract/dataMap.ts';

/** A column as the package describes it. */
export type PackageColumn = Pick<MappedColumn, 'name' | 'title' | 'kind' | 'category'>;

/** What a value of each kind can be in a record; each can also be null. */
const values = {
  text: { type: ['string', 'null'] },
  time: {
    type: ['string', 'number', 'null'],
    description:
      'ISO 8601, or “infinity”, “-infinity”, or with “ BC” after it; a number of seconds or milliseconds where the platform keeps it so.',
  },
  date: {
    type: ['string', 'null'],
    description: 'ISO 8601, or “infinity”, “-infinity”, or with “ BC” after it.',
  },
  integer: {
    type: ['integer', 'string', 'null'],
    pattern: '^-?[0-9]+$',
    description: 'A text where a program could round it.',
  },
  number: {
    type: ['number', 'string', 'null'],
    description: 'A text where a program could round it, and for “NaN”, “Infinity” and “-Infinity”.',
  },
  boolean: { type: ['boolean', 'null'] },
  json: {},
  list: { type: ['array', 'string', 'null'] },
  bytes: { type: ['string', 'null'], contentEncoding: 'base64' },
} as const satisfies Record<MappedColumn['kind'], object>;

/** The JSON Schema (2020-12) of one record of a collection. */
export function schemaText(name: string, title: string, columns: readonly PackageColumn[]): string {
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title,
    description: `One line of data/records/${name}.jsonl.`,
    type: 'object',
    properties: Object.fromEntries(
      columns.map((column) => [
        column.name,
        { title: column.title, ...values[column.kind], $comment: `category ${column.category}` },
      ]),
    ),
    required: columns.map((column) => column.name),
    additionalProperties: false,
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}
