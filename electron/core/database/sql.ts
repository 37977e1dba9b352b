/** A statement and its values, which never become part of its text. */
export interface Sql {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** SQL in a template: each `${value}` becomes a parameter. */
export function sql(strings: TemplateStringsArray, ...values: readonly unknown[]): Sql {
  return { text: strings.reduce((text, part, place) => `${text}$${place}${part}`), values };
}
