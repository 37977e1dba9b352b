/** What people shorten, written out. */
const shortened: Readonly<Record<string, readonly string[]>> = {
  acc: ['account'],
  acct: ['account'],
  addr: ['address'],
  adr: ['address'],
  amt: ['amount'],
  auth: ['auth'],
  bday: ['birthday'],
  birthdate: ['birth', 'date'],
  cell: ['mobile'],
  cellphone: ['mobile', 'phone'],
  cust: ['customer'],
  desc: ['description'],
  descr: ['description'],
  dob: ['birth', 'date'],
  dept: ['department'],
  emailaddress: ['email', 'address'],
  emp: ['employee'],
  firstname: ['first', 'name'],
  fname: ['first', 'name'],
  forename: ['first', 'name'],
  fullname: ['full', 'name'],
  givenname: ['given', 'name'],
  lang: ['language'],
  lastname: ['last', 'name'],
  lname: ['last', 'name'],
  mail: ['email'],
  mob: ['mobile'],
  msg: ['message'],
  msisdn: ['phone'],
  nickname: ['nick', 'name'],
  nbr: ['number'],
  num: ['number'],
  no: ['number'],
  org: ['organisation'],
  organization: ['organisation'],
  passwd: ['password'],
  pass: ['password'],
  pwd: ['password'],
  pw: ['password'],
  ph: ['phone'],
  phonenumber: ['phone', 'number'],
  pic: ['picture'],
  postcode: ['postal', 'code'],
  pincode: ['postal', 'code'],
  zipcode: ['postal', 'code'],
  zip: ['postal', 'code'],
  qty: ['quantity'],
  ref: ['reference'],
  surname: ['last', 'name'],
  tel: ['phone'],
  telephone: ['phone'],
  tok: ['token'],
  tz: ['timezone'],
  ua: ['user', 'agent'],
  useragent: ['user', 'agent'],
  username: ['user', 'name'],
  usr: ['user'],
  uname: ['user', 'name'],
};

/** The words of an identifier, lower case, in order: snake, camel, Pascal, kebab and spaced alike; common short forms written out. */
export function wordsOf(identifier: string): readonly string[] {
  return identifier
    .replaceAll(/([\p{Ll}\d])(\p{Lu})/gu, '$1 $2')
    .replaceAll(/(\p{Lu}+)(\p{Lu}\p{Ll})/gu, '$1 $2')
    .replaceAll(/e[-_ ]?mail/giu, 'email')
    .replaceAll(/(\p{L})(\d+)/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\d]+/u)
    .filter((word) => word !== '')
    .flatMap((word) => (Object.hasOwn(shortened, word) ? (shortened[word] ?? []) : [word]));
}

/** One of a thing: `companies` → `company`, `users` → `user`, `addresses` → `address`. */
export function singular(word: string): string {
  if (word === 'people') return 'person';
  if (word.endsWith('ies') && word.length > 4) return `${word.slice(0, -3)}y`;
  if (/(?:ss|sh|ch|x|z)es$/.test(word)) return word.slice(0, -2);
  if (word.endsWith('s') && !/(?:ss|us|is)$/.test(word)) return word.slice(0, -1);
  return word;
}

/** The words of a table's name, in the singular, without what a framework puts before. */
export function tableWords(table: string): readonly string[] {
  return wordsOf(table).map(singular);
}

/** Words as a title: first letter large. */
export function titled(words: readonly string[]): string {
  const text = words.join(' ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
