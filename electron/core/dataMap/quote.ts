/** Quotes an identifier the way PostgreSQL does. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * The one spelling of a table in a map: `schema.table`, each part as it is
 * called in the database, without folding of case. A part that holds a dot or
 * a double quote stands in double quotes, those in it doubled.
 */
export function tableName(schema: string, table: string): string {
  const part = (name: string): string => (/[."]/.test(name) || name === '' ? quoteIdentifier(name) : name);
  return `${part(schema)}.${part(table)}`;
}

/** Schema and table of a name spelt as `tableName` does; null when it is spelt otherwise. */
export function tableParts(name: string): { readonly schema: string; readonly table: string } | null {
  const found = /^("(?:[^"]|"")+"|[^."]+)\.("(?:[^"]|"")+"|[^."]+)$/s.exec(name);
  if (found === null) return null;
  const bare = (part: string): string =>
    part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part;
  const [schema, table] = [bare(found[1] ?? ''), bare(found[2] ?? '')];
  return tableName(schema, table) === name ? { schema, table } : null;
}

/** Quotes a table named as `tableName` spells it. */
export function quoteTable(name: string): string {
  const parts = tableParts(name);
  if (parts === null) throw new Error('unchecked map: a table’s name is not schema.table');
  return `${quoteIdentifier(parts.schema)}.${quoteIdentifier(parts.table)}`;
}

/** Quotes a text literal; with standard_conforming_strings on, only the quote is special. */
export function quoteLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
