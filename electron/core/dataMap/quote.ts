/** Quotes an identifier the way PostgreSQL does. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Quotes `schema.table`. */
export function quoteTable(name: string): string {
  const [schema = '', table = ''] = name.split('.');
  return `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
}

/** Quotes a text literal; with standard_conforming_strings on, only the quote is special. */
export function quoteLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
