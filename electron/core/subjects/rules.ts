/** Search text as it is sent: no NUL (PostgreSQL has none), no half of a surrogate pair, one line, no spaces around it. */
export function tidySearchText(text: string): string {
  return text.replaceAll('\0', '').replaceAll(/\s+/gu, ' ').toWellFormed().trim();
}

/** Whether the database takes it; it counts characters, not UTF-16 units. */
export function isSearchable(text: string): boolean {
  const length = [...text.slice(0, 1_000)].length;
  return length >= 3 && length <= 200;
}
