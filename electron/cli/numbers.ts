import { InvalidArgumentError } from 'commander';

/** Parses an argument that counts or numbers something. */
export function wholeNumber(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) throw new InvalidArgumentError('A whole number above 0.');
  return number;
}
