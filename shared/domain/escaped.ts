const markup: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as HTML: markup is shown, and what could hide or turn the writing around it is named. */
export function escaped(text: string): string {
  return text
    .replaceAll(/[&<>"']/g, (character) => markup[character] ?? '')
    .replaceAll(/[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb]/gu, (character) =>
      /[\t\n\r]/.test(character)
        ? character
        : `<span class="c">U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}</span>`,
    );
}
