import type { MaskName, SearchForm } from '../map.ts';
import type { LiveColumn, LiveTable } from '../liveSchema.ts';
import type { PatternCounts } from './sample.ts';
import { tableWords, wordsOf } from './words.ts';

export type Confidence = 'high' | 'medium' | 'low';

/** What a draft says of one column. */
export interface ColumnGuess {
  readonly category: string;
  readonly mask?: MaskName;
  readonly never?: true;
  readonly correct?: true;
  readonly search?: readonly SearchForm[];
  /** It names an object in R2, or what is known of one. */
  readonly object?: 'key' | 'contentType' | 'bytes' | 'sha256';
  readonly confidence: Confidence;
  readonly reason: string;
}

/** A column the draft can't place, and why. */
export interface Unplaced {
  readonly reason: string;
  /** The line that may be written once somebody knows. */
  readonly likely: string;
}

/** What is known of a column beside itself. */
export interface Surroundings {
  readonly table: LiveTable;
  /** What it refers to by a foreign key. */
  readonly refersTo: string | null;
  readonly counts: PatternCounts | null;
}

interface Rule {
  readonly category: string;
  readonly mask?: MaskName;
  readonly never?: true;
  readonly correct?: true;
  readonly object?: ColumnGuess['object'];
  readonly confidence?: Confidence;
  readonly says: string;
  /** Whether the words of the column and its type fit; `table` has the words of the table's name. */
  readonly fits: (words: ReadonlySet<string>, column: LiveColumn, table: ReadonlySet<string>) => boolean;
}

const any =
  (...names: readonly string[]) =>
  (words: ReadonlySet<string>): boolean =>
    names.some((each) => words.has(each));
const all =
  (...names: readonly string[]) =>
  (words: ReadonlySet<string>): boolean =>
    names.every((each) => words.has(each));

/** Kinds that can hold a secret or a text a person wrote. */
const wordy = (column: LiveColumn): boolean => ['text', 'json', 'bytes', 'other'].includes(column.kind);
const contact = (column: LiveColumn): boolean => ['text', 'number', 'json'].includes(column.kind);
const timely = (column: LiveColumn): boolean => ['time', 'date'].includes(column.kind);

/**
 * Secrets of the platform. They come first: what opens an account is never
 * shown, whatever else its name says.
 */
const secrets: readonly Rule[] = [
  {
    category: 'user.authorization.password',
    never: true,
    says: 'named like a password',
    fits: (words, column) =>
      (any('password', 'passphrase', 'passcode')(words) ||
        (words.has('pin') &&
          (words.size === 1 || any('hash', 'code', 'hashed', 'encrypted', 'digest')(words)))) &&
      (wordy(column) || (column.kind === 'number' && any('pin', 'passcode')(words))),
  },
  {
    category: 'user.authorization.credentials',
    never: true,
    says: 'named like a secret or a token',
    fits: (words, column) =>
      (wordy(column) || column.kind === 'uuid') &&
      (any(
        'secret',
        'token',
        'tokens',
        'credential',
        'credentials',
        'salt',
        'otp',
        'totp',
        'hotp',
        'jwt',
        'bearer',
        'cookie',
        'cvv',
        'cvc',
        'nonce',
        'passkey',
        'webauthn',
        'apikey',
        'seed',
        'mnemonic',
      )(words) ||
        (words.has('hash') && any('key', 'session', 'code', 'refresh', 'access', 'reset')(words)) ||
        (words.has('key') &&
          any(
            'api',
            'private',
            'signing',
            'encryption',
            'access',
            'ssh',
            'auth',
            'session',
            'hmac',
            'master',
          )(words)) ||
        (any('code', 'codes')(words) &&
          any(
            'recovery',
            'backup',
            'verification',
            'confirmation',
            'mfa',
            'login',
            'reset',
            'activation',
          )(words)) ||
        (words.has('mfa') && column.kind !== 'json')),
  },
  {
    category: 'user.authorization.credentials',
    never: true,
    says: 'named like the state of an authentication or a session',
    fits: (words, column) =>
      wordy(column) &&
      ((any('auth', 'authentication', 'oauth', 'session', 'login', 'creds')(words) &&
        any('state', 'data', 'blob', 'payload', 'keys', 'creds', 'material')(words)) ||
        any('creds', '2fa')(words) ||
        (words.has('keystore') && column.kind !== 'text')),
  },
];

/** What tells of a person, the closest description first. */
const personal: readonly Rule[] = [
  {
    category: 'user.device.ip_address',
    mask: 'address',
    says: 'named like an IP address',
    fits: (words, column) => words.has('ip') && ['text', 'address'].includes(column.kind),
  },
  {
    category: 'user.device.ip_address',
    mask: 'address',
    says: 'of a network type',
    fits: (_words, column) => column.kind === 'address',
  },
  {
    category: 'user.contact.email',
    mask: 'email',
    correct: true,
    says: 'named like an e-mail address',
    fits: (words, column) =>
      words.has('email') &&
      column.kind === 'text' &&
      !any(
        'template',
        'subject',
        'body',
        'content',
        'status',
        'provider',
        'type',
        'hash',
        'domain',
        'format',
        'text',
        'html',
        'message',
        'name',
      )(words),
  },
  {
    category: 'user.contact.phone_number',
    mask: 'phone',
    correct: true,
    says: 'named like a phone number',
    fits: (words, column) =>
      contact(column) &&
      column.kind !== 'json' &&
      !any('type', 'status', 'country', 'model', 'brand', 'count', 'provider')(words) &&
      any('phone', 'mobile', 'fax', 'whatsapp', 'msisdn')(words) &&
      !any('session', 'template', 'id')(words),
  },
  {
    category: 'user.government_id',
    mask: 'text',
    says: 'named like a number the state gives',
    fits: (words, column) =>
      contact(column) &&
      (any(
        'ssn',
        'aadhaar',
        'aadhar',
        'gstin',
        'gst',
        'pan',
        'passport',
        'nino',
        'vat',
        'tin',
        'cnpj',
        'cpf',
        'bsn',
        'nif',
        'dni',
        'siret',
        'licence',
        'license',
        'visa',
      )(words) ||
        (any('tax', 'national', 'voter', 'government', 'insurance', 'identity')(words) &&
          any('id', 'number', 'code', 'card')(words))) &&
      !any('rate', 'amount', 'percent', 'type')(words),
  },
  {
    category: 'user.financial.bank_account',
    mask: 'text',
    says: 'named like a bank account or a card',
    fits: (words, column) =>
      contact(column) &&
      (any('iban', 'bic', 'swift', 'ifsc', 'upi', 'vpa', 'last4', 'bban')(words) ||
        (any('card', 'bank', 'routing', 'sort')(words) &&
          any('number', 'code', 'account', 'holder', 'last', 'digits', '4')(words)) ||
        (words.has('account') && words.has('number'))),
  },
  {
    category: 'user.health_and_medical',
    mask: 'text',
    says: 'named like something of a person’s health',
    fits: (words, column) =>
      (wordy(column) || ['enum', 'number', 'boolean', 'date'].includes(column.kind)) &&
      any(
        'diagnosis',
        'diagnoses',
        'medical',
        'health',
        'blood',
        'allergy',
        'allergies',
        'medication',
        'medications',
        'symptom',
        'symptoms',
        'treatment',
        'prescription',
        'dosage',
        'icd',
        'disability',
        'pregnant',
        'condition',
        'drug',
      )(words),
  },
  {
    category: 'user.biometric',
    mask: 'text',
    says: 'named like a biometric feature',
    fits: (words, column) =>
      wordy(column) && any('biometric', 'faceprint', 'iris', 'voiceprint', 'fingerprints')(words),
  },
  {
    category: 'user.demographic.date_of_birth',
    mask: 'text',
    correct: true,
    says: 'named like a date of birth',
    fits: (words, column) =>
      any('birth', 'birthday', 'born')(words) && (timely(column) || ['text', 'number'].includes(column.kind)),
  },
  {
    category: 'user.demographic',
    mask: 'text',
    says: 'named like what a person is',
    fits: (words, column) =>
      any(
        'gender',
        'sex',
        'religion',
        'ethnicity',
        'race',
        'nationality',
        'citizenship',
        'marital',
        'caste',
        'orientation',
        'age',
      )(words) &&
      ['text', 'enum', 'number'].includes(column.kind) &&
      !any('minimum', 'maximum', 'limit', 'restriction')(words),
  },
  {
    category: 'user.location.precise',
    mask: 'number',
    says: 'named like a place on the earth',
    fits: (words, column) =>
      any(
        'latitude',
        'longitude',
        'lat',
        'lng',
        'lon',
        'geolocation',
        'coordinates',
        'geo',
        'geom',
        'gps',
      )(words) && ['number', 'text', 'other', 'json'].includes(column.kind),
  },
  {
    category: 'user.contact.address',
    mask: 'text',
    correct: true,
    says: 'named like a part of a postal address',
    fits: (words, column) =>
      contact(column) &&
      (any(
        'street',
        'city',
        'town',
        'postal',
        'district',
        'landmark',
        'county',
        'province',
        'locality',
        'suburb',
        'apartment',
        'house',
      )(words) ||
        (words.has('address') && !any('id', 'type', 'email')(words)) ||
        (words.has('line') && any('1', '2', '3')(words))) &&
      !any('id', 'type', 'count')(words),
  },
  {
    category: 'user.account.username',
    mask: 'name',
    correct: true,
    says: 'named like a user name',
    fits: (words, column) =>
      column.kind === 'text' &&
      (all('user', 'name')(words) ||
        any('login', 'handle', 'nick', 'alias')(words) ||
        (words.has('screen') && words.has('name'))) &&
      !any('type', 'method', 'status', 'provider')(words),
  },
  {
    category: 'user.device',
    mask: 'text',
    says: 'named like what tells a device',
    fits: (words, column) =>
      wordy(column) &&
      (all('user', 'agent')(words) ||
        any('device', 'fingerprint', 'browser', 'imei', 'idfa', 'useragent', 'mac')(words)) &&
      !any('type', 'count')(words),
  },
  {
    category: 'user.behavior.browsing_history',
    mask: 'text',
    says: 'named like a page somebody looked at',
    fits: (words, column, table) =>
      column.kind === 'text' &&
      (any('referrer', 'referer', 'landing', 'visited', 'search', 'query')(words) ||
        (any('page', 'path', 'url', 'uri', 'link')(words) &&
          any('page', 'view', 'visit', 'hit', 'click', 'event', 'history')(table))),
  },
];

const objectRules: readonly Rule[] = [
  {
    category: 'user.content.private',
    mask: 'text',
    object: 'key',
    says: 'named like the key of an object in R2',
    fits: (words, column) =>
      column.kind === 'text' &&
      !words.has('id') &&
      (all('r', '2')(words) ||
        all('s', '3')(words) ||
        any('object', 'storage', 'blob', 'file', 'bucket', 'media', 'attachment')(words)) &&
      any('key', 'path', 'location')(words),
  },
  {
    category: 'user.content.private',
    object: 'contentType',
    says: 'named like the type of a file',
    fits: (words, column) =>
      column.kind === 'text' &&
      (all('content', 'type')(words) || any('mime', 'mimetype')(words) || all('media', 'type')(words)),
  },
  {
    category: 'user.content.private',
    object: 'bytes',
    says: 'named like the size of a file',
    fits: (words, column) =>
      column.kind === 'number' &&
      (words.has('bytes') ||
        words.has('filesize') ||
        (words.has('size') && (words.size === 1 || any('file', 'content', 'byte', 'object')(words)))),
  },
  {
    category: 'user.content.private',
    object: 'sha256',
    says: 'named like a checksum',
    fits: (words, column) =>
      ['text', 'bytes'].includes(column.kind) &&
      any('sha', 'sha256', 'md5', 'md', 'checksum', 'etag', 'digest')(words),
  },
];

/** What people write or name, after everything more exact. */
const written: readonly Rule[] = [
  {
    category: 'user.name',
    mask: 'name',
    correct: true,
    says: 'named like a person’s name',
    fits: (words, column) =>
      column.kind === 'text' &&
      words.has('name') &&
      !any(
        'file',
        'table',
        'host',
        'domain',
        'event',
        'queue',
        'job',
        'column',
        'index',
        'class',
        'path',
        'feature',
        'plan',
        'module',
        'country',
        'currency',
        'product',
        'model',
        'schema',
        'field',
      )(words),
  },
  {
    category: 'user.content.self_image',
    mask: 'text',
    says: 'named like a picture of somebody',
    fits: (words, column) =>
      wordy(column) && any('avatar', 'photo', 'picture', 'selfie', 'portrait', 'signature')(words),
  },
  {
    category: 'user.content.private',
    mask: 'text',
    says: 'named like a text somebody wrote',
    fits: (words, column) =>
      wordy(column) &&
      !any('id', 'ids', 'uuid', 'type', 'status', 'count', 'format', 'key', 'code')(words) &&
      any(
        'note',
        'notes',
        'comment',
        'comments',
        'body',
        'message',
        'content',
        'subject',
        'text',
        'bio',
        'about',
        'remark',
        'remarks',
        'memo',
        'feedback',
        'reason',
        'template',
        'review',
        'answer',
        'question',
        'reply',
        'caption',
        'transcript',
        'chat',
        'html',
        'markdown',
        'summary',
        'complaint',
        'motto',
        'biography',
        'greeting',
        'description',
        'instructions',
      )(words),
  },
  {
    category: 'user.job_title',
    mask: 'text',
    says: 'named like where or as what somebody works',
    fits: (words, column) =>
      column.kind === 'text' &&
      (all('job', 'title')(words) ||
        any('occupation', 'profession', 'employer', 'company', 'workplace', 'department')(words)),
  },
  {
    category: 'user.financial',
    mask: 'number',
    says: 'named like what somebody earns',
    fits: (words, column) => column.kind === 'number' && any('salary', 'income', 'wage', 'wages')(words),
  },
  {
    category: 'user.financial',
    says: 'named like an amount of money',
    fits: (words, column) =>
      column.kind === 'number' &&
      any(
        'amount',
        'price',
        'total',
        'subtotal',
        'tax',
        'cost',
        'fee',
        'balance',
        'discount',
        'paid',
        'due',
        'cents',
        'paise',
        'refund',
      )(words),
  },
];

/** Texts of the platform itself, with few possible values or none of a person's. */
const operational: readonly Rule[] = [
  {
    category: 'user.account.settings',
    correct: true,
    says: 'named like a setting of language or place',
    fits: (words, column) =>
      ['text', 'enum'].includes(column.kind) && any('locale', 'language', 'timezone', 'zone')(words),
  },
  {
    category: 'user.account.settings',
    mask: 'text',
    says: 'named like settings',
    fits: (words, column) =>
      column.kind === 'json' &&
      any('settings', 'setting', 'preferences', 'preference', 'options', 'config', 'configuration')(words),
  },
  {
    category: 'user.behavior',
    mask: 'text',
    confidence: 'medium',
    says: 'named like figures or data about use, and can hold anything',
    fits: (words, column) =>
      column.kind === 'json' &&
      any(
        'stats',
        'statistics',
        'metrics',
        'metadata',
        'meta',
        'properties',
        'attributes',
        'data',
        'payload',
        'details',
        'context',
        'extra',
        'traits',
      )(words),
  },
  {
    category: 'user.behavior',
    says: 'named like a state or a kind',
    fits: (words, column) =>
      column.kind === 'text' &&
      any(
        'status',
        'state',
        'type',
        'kind',
        'role',
        'level',
        'priority',
        'channel',
        'source',
        'method',
        'mode',
        'stage',
        'tier',
        'currency',
        'unit',
        'endpoint',
        'feature',
        'format',
        'platform',
        'event',
        'action',
        'outcome',
        'result',
        'severity',
        'environment',
        'category',
      )(words),
  },
  {
    category: 'system.operations',
    says: 'named like something of the platform’s own running',
    fits: (words, column) =>
      column.kind === 'text' &&
      any(
        'version',
        'error',
        'provider',
        'queue',
        'checksum',
        'color',
        'colour',
        'icon',
        'slug',
        'sku',
        'timezone',
        'migration',
        'region',
        'country',
        'plan',
      )(words),
  },
];

const rules: readonly Rule[] = [
  ...secrets,
  ...objectRules.slice(1),
  ...personal,
  ...objectRules.slice(0, 1),
  ...written,
  ...operational,
];

/** Counted values decide from this share of them on. */
const clearly = 0.8;
const enough = 5;

/**
 * Proposes what a column holds: by its name, type, comment and foreign key,
 * and by the counts of its values where there are any. `Unplaced` when nothing
 * tells.
 */
export function guessColumn(column: LiveColumn, around: Surroundings): ColumnGuess | Unplaced {
  const words = new Set(wordsOf(column.name));
  const { table, refersTo, counts } = around;
  const ofTable = new Set(tableWords(table.table));
  const secret = secrets.find((each) => each.fits(words, column, ofTable));
  if (secret !== undefined) return proposed(secret, 'high', `${secret.says}, of type ${column.type}`);
  if (counts !== null && counts.values >= 1 && counts.secret > 0 && counts.secret / counts.values >= 0.2) {
    return {
      category: 'user.authorization.credentials',
      never: true,
      confidence: counts.values >= enough ? 'high' : 'medium',
      reason: `${counted(counts.secret, counts)} have the form of password hashes or signed tokens`,
    };
  }
  if (refersTo !== null)
    return { category: 'user.unique_id', confidence: 'high', reason: `refers to ${refersTo}` };
  const named = rules.find((each) => each.fits(words, column, ofTable));
  const bySample = counts === null ? null : sampled(column, counts);
  if (
    bySample !== null &&
    (named === undefined || (named.mask !== bySample.mask && named.category !== bySample.category))
  ) {
    // What the values are weighs more than what the column is called, but never unmasks it.
    if (named?.mask === undefined || bySample.confidence === 'high') return bySample;
  }
  if (named !== undefined) {
    const confirmed = bySample !== null && bySample.mask === named.mask;
    return proposed(
      named,
      named.confidence ?? (confirmed || named.mask !== undefined ? 'high' : 'medium'),
      confirmed ? `${named.says}; ${bySample.reason}` : `${named.says}, of type ${column.type}`,
    );
  }
  const byComment = commented(column);
  if (byComment !== null) return byComment;
  return byType(column, around, words);
}

function proposed(rule: Rule, confidence: Confidence, reason: string): ColumnGuess {
  return {
    category: rule.category,
    ...(rule.mask === undefined ? {} : { mask: rule.mask }),
    ...(rule.never === undefined ? {} : { never: rule.never }),
    ...(rule.correct === undefined ? {} : { correct: rule.correct }),
    ...(rule.object === undefined ? {} : { object: rule.object }),
    confidence,
    reason,
  };
}

function counted(matching: number, counts: PatternCounts): string {
  return `${matching} of ${counts.values} values looked at`;
}

/** What the counts say alone; null when they say nothing. */
function sampled(column: LiveColumn, counts: PatternCounts): ColumnGuess | null {
  if (counts.values < enough) return null;
  const share = (count: number): number => count / counts.values;
  const found = (category: string, mask: MaskName, count: number, form: string): ColumnGuess => ({
    category,
    mask,
    confidence: share(count) >= clearly ? 'high' : 'medium',
    reason: `${counted(count, counts)} have the form of ${form}`,
  });
  if (column.kind === 'json') {
    if (counts.holdsEmail > 0 || counts.holdsPhone > 0)
      return {
        category: 'user.content.private',
        mask: 'text',
        confidence: 'medium',
        reason: `${counted(Math.max(counts.holdsEmail, counts.holdsPhone), counts)} hold something like an e-mail address or a phone number`,
      };
    return null;
  }
  if (share(counts.email) >= 0.3)
    return found('user.contact.email', 'email', counts.email, 'an e-mail address');
  if (share(counts.phone) >= 0.6)
    return found('user.contact.phone_number', 'phone', counts.phone, 'a phone number');
  if (share(counts.address) >= 0.6)
    return found('user.device.ip_address', 'address', counts.address, 'an IP address');
  if (share(counts.objectKey) >= clearly)
    return { ...found('user.content.private', 'text', counts.objectKey, 'a file’s path'), object: 'key' };
  if (counts.holdsEmail > 0 || share(counts.holdsPhone) >= 0.05)
    return {
      category: 'user.content.private',
      mask: 'text',
      confidence: 'low',
      reason: `${counted(Math.max(counts.holdsEmail, counts.holdsPhone), counts)} hold something like an e-mail address or a phone number`,
    };
  return null;
}

/** A comment that names the kind of data, e.g. “customer's e-mail address”. */
function commented(column: LiveColumn): ColumnGuess | null {
  if (column.comment === null) return null;
  const words = new Set(wordsOf(column.comment));
  const ofTable = new Set<string>();
  const rule = [...secrets, ...personal, ...written.slice(0, 1)].find((each) =>
    each.fits(words, column, ofTable),
  );
  return rule === undefined
    ? null
    : proposed(rule, 'medium', `its comment reads as if it were ${rule.says.replace('named like ', '')}`);
}

function byType(
  column: LiveColumn,
  around: Surroundings,
  words: ReadonlySet<string>,
): ColumnGuess | Unplaced {
  const { table, counts } = around;
  const isKey = table.primaryKey.includes(column.name);
  const guess = (category: string, confidence: Confidence, reason: string, mask?: MaskName): ColumnGuess => ({
    category,
    confidence,
    reason,
    ...(mask === undefined ? {} : { mask }),
  });
  if (isKey && !['text', 'time', 'date'].includes(column.kind))
    return guess('user.unique_id', 'high', 'part of the primary key');
  switch (column.kind) {
    case 'uuid':
      return guess('user.unique_id', 'high', 'a generated identifier');
    case 'boolean':
      return guess('user.behavior', 'medium', 'yes or no');
    case 'enum':
      return guess('user.behavior', 'medium', 'one of a list of states');
    case 'time':
    case 'date':
      return guess('user.behavior', 'medium', 'a time');
    case 'search':
      return guess('user.content.private', 'medium', 'words of other columns, made for searching', 'text');
    case 'number':
      if (any('id', 'uuid')(words)) return guess('user.unique_id', 'medium', 'an identifier');
      return guess('user.behavior', 'medium', 'a number');
    case 'json':
      return counts !== null && counts.values === 0
        ? unplaced('JSON that can hold anything, and has no value yet', 'user.content.private, mask: text')
        : unplaced('JSON that can hold anything', 'user.content.private, mask: text');
    case 'bytes':
      return unplaced(
        'bytes that can be anything, a secret too',
        'user.authorization.credentials, never: true',
      );
    case 'address':
    case 'text':
    case 'other':
      break;
  }
  if (column.kind === 'text') {
    if (isKey)
      return guess(
        'user.unique_id',
        'medium',
        'part of the primary key; looks like no name, address or number',
      );
    if (
      any('id', 'ids', 'uuid', 'guid', 'identifier', 'reference', 'external', 'code', 'number', 'key')(words)
    ) {
      if (counts !== null && counts.tokenLike > 0 && counts.tokenLike / Math.max(1, counts.values) >= 0.5)
        return unplaced(
          `named like an identifier, but ${counted(counts.tokenLike, counts)} are as long and random as a token`,
          'user.authorization.credentials, never: true',
        );
      return guess('user.unique_id', 'medium', 'named like an identifier given by somebody', 'text');
    }
    if (counts !== null && counts.values >= 50 && counts.distinct <= 12 && counts.longest <= 40)
      return guess(
        'user.behavior',
        'low',
        `only ${counts.distinct} different short values among ${counts.values} looked at`,
        'text',
      );
    if (any('tag', 'tags', 'label', 'labels', 'title', 'prefix', 'url', 'link', 'website', 'uri')(words))
      return guess('user.content.private', 'medium', 'named like something somebody entered', 'text');
    if (counts !== null && counts.tokenLike > 0 && counts.tokenLike / Math.max(1, counts.values) >= 0.5)
      return unplaced(
        `${counted(counts.tokenLike, counts)} are as long and random as a token`,
        'user.authorization.credentials, never: true',
      );
    return unplaced('a text whose name and values tell nothing', 'user.content.private, mask: text');
  }
  return unplaced(`of the type ${column.type}, which tells nothing`, 'user.content.private, mask: text');
}

function unplaced(reason: string, likely: string): Unplaced {
  return { reason, likely };
}

/** Whether a guess could be placed. */
export function isPlaced(guess: ColumnGuess | Unplaced): guess is ColumnGuess {
  return 'category' in guess;
}

/** Whether a proposal is of a person: masked, or a secret. */
export function isPersonal(guess: ColumnGuess | Unplaced): boolean {
  return isPlaced(guess) && (guess.never === true || guess.mask !== undefined);
}
