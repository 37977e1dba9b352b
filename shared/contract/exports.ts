import { z } from 'zod';
import { exportProfiles } from '../domain/exportProfiles.ts';
import { operation } from './operation.ts';

/** A package is one zip file, or a folder with the same files. */
export const packageForms = ['zip', 'folder'] as const;
export type PackageForm = (typeof packageForms)[number];

const exportRow = z.object({
  id: z.number().int(),
  requestId: z.number().int(),
  subject: z.string(),
  /** `review`: what goes out is looked at; `interrupted`: its console has given no sign of life for minutes, so its access has ended; `abandoned`: closed since. */
  state: z.enum(['review', 'running', 'interrupted', 'done', 'failed', 'abandoned']),
  startedAt: z.string(),
  startedBy: z.string(),
  finishedAt: z.string().nullable(),
  /** SHA-256 of the finished package, hex. */
  sha256: z.string().nullable(),
  bytes: z.number().nullable(),
  rows: z.number().nullable(),
  files: z.number().nullable(),
  profile: z.enum(exportProfiles),
  /** Whether values about other people are in it as they are. */
  showsOthers: z.boolean(),
  /** Fingerprint of the key its package is signed with; null where it is not signed or there is none. */
  signer: z.string().nullable(),
  /** What an interrupted export of one's own has read, where it lies on this computer and can go on; null elsewhere. */
  kept: z
    .object({
      /** Collections, and of how many; null where nobody knows yet. */
      finished: z.number().int(),
      of: z.number().int().nullable(),
      /** Where its package was to go, and as what. */
      folder: z.string(),
      form: z.enum(packageForms),
    })
    .nullable(),
});
export type ExportRow = z.infer<typeof exportRow>;

const release = z.object({
  id: z.number().int(),
  requestId: z.number().int(),
  /** Each as the database names it, e.g. `unmapped table crm.leads`. */
  gaps: z.array(z.string()),
  /** Why it can't wait; for operators and approvers only. */
  reason: z.string().nullable(),
  askedBy: z.string(),
  askedAt: z.string(),
  state: z.enum(['asked', 'approved', 'denied', 'expired']),
  decidedBy: z.string().nullable(),
  decidedAt: z.string().nullable(),
  expiresAt: z.string().nullable(),
});
export type ExportRelease = z.infer<typeof release>;

/** Languages the page of a package can be in. */
export const pageLanguages = ['en', 'hi'] as const;
export type PageLanguage = (typeof pageLanguages)[number];

const protection = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({ kind: z.literal('passphrase') }),
  /** X25519 keys, `age1…`; each opens the package alone. */
  z.strictObject({
    kind: z.literal('recipients'),
    recipients: z.array(z.string().max(200)).min(1).max(10),
  }),
]);
export type Protection = z.infer<typeof protection>;

/** What of a person a package holds. */
export const exportScope = {
  /** What it is for; by the kind of the request when it isn't said. */
  profile: z.enum(exportProfiles).optional(),
  /** Of a `custom` package: what stays out, and the range of time. */
  choice: z
    .strictObject({
      without: z.array(z.string().max(63)).max(1_000).default([]),
      /** As `collection.column`. */
      withoutColumns: z.array(z.string().max(127)).max(10_000).default([]),
      /** ISO 8601; from then on, and before then. */
      since: z.iso.datetime({ offset: true }).optional(),
      until: z.iso.datetime({ offset: true }).optional(),
    })
    .optional(),
  /** Leaves what is about other people as it is; needs a reason, and is told by the trail. */
  showOthers: z.boolean().default(false),
  reason: z.string().min(3).max(2_000).optional(),
} as const;

const signingKey = z.object({
  id: z.number().int(),
  /** Whose it is. */
  login: z.string(),
  person: z.string(),
  mine: z.boolean(),
  /** As ssh-keygen -l shows it: `SHA256:…`. */
  fingerprint: z.string(),
  /** The public key as openssl takes it, and as a line of a list of allowed signers of ssh-keygen; each ends its line. */
  pem: z.string(),
  allowedSigner: z.string(),
  /** As it called itself when the key was registered. */
  workstation: z.string(),
  registeredAt: z.string(),
  /** How many packages it has signed. */
  packages: z.number().int(),
  retiredAt: z.string().nullable(),
  retiredBy: z.string().nullable(),
  /** Null also where it was retired because its login was removed. */
  reason: z.string().nullable(),
});
export type SigningKey = z.infer<typeof signingKey>;

/** What is wrong with a part of a package; `record`: not what its schema allows. */
const faultKinds = [
  'changed',
  'added',
  'missing',
  'renamed',
  'duplicate',
  'unsafe_name',
  'malformed',
  'truncated',
  'count',
  'record',
  'signature',
] as const;
export type PackageFaultKind = (typeof faultKinds)[number];
const fault = z.object({ kind: z.enum(faultKinds), path: z.string(), fault: z.string() });

/** A package on this computer, and what opens it where it is encrypted. */
const packageSource = z.strictObject({
  /** A zip, an encrypted one, or a folder. */
  file: z.string().min(1).max(4_000),
  /** A file of age-keygen, or the passphrase. */
  identityFile: z.string().min(1).max(4_000).optional(),
  passphrase: z.string().min(1).max(1_000).optional(),
});
export type PackageSource = z.infer<typeof packageSource>;

/** What a package says of itself; null where it can’t be read, or isn’t there. */
const packageAbout = z.object({
  packageId: z.string().nullable(),
  requestNumber: z.string().nullable(),
  subjectReference: z.string().nullable(),
  subjectKind: z.string().nullable(),
  controller: z.string().nullable(),
  program: z.string().nullable(),
  /** ISO 8601. */
  made: z.string().nullable(),
  profile: z.string().nullable(),
  range: z.object({ since: z.string().nullable(), until: z.string().nullable() }).nullable(),
  showsOthers: z.boolean().nullable(),
  showsOthersBecause: z.string().nullable(),
  leftOut: z.array(
    z.object({ collection: z.string().nullable(), column: z.string().nullable(), because: z.string() }),
  ),
  /** How many records, fields and files a reviewer kept back. */
  keptBack: z.number().int().nullable(),
  collections: z.array(z.object({ name: z.string(), rows: z.number().int() })),
  objects: z.object({ inIt: z.number().int().nullable(), missing: z.number().int().nullable() }),
});
export type PackageAbout = z.infer<typeof packageAbout>;

const packageFile = z.object({
  /** Line of the index, from 1. */
  line: z.number().int(),
  /** Its path in the package; null when it is not in it. */
  path: z.string().nullable(),
  name: z.string().nullable(),
  contentType: z.string().nullable(),
  bytes: z.number().nullable(),
  status: z.string(),
  /** What differs, or why it is missing or incomplete. */
  because: z.string().nullable(),
});
export type PackageFile = z.infer<typeof packageFile>;

/** The pictures a window decodes; by their first bytes, never by what a name or a row says. */
export const pictureTypes = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'] as const;

export const exports = {
  'exports.start': operation({
    effect: 'reveal',
    permission: ['operator'],
    summary: 'writes the package of everything held about a request’s person',
    input: z.strictObject({
      requestId: z.number().int().positive(),
      /** Where the package goes. */
      folder: z.string().min(1).max(4_000),
      form: z.enum(packageForms).default('zip'),
      language: z.enum(pageLanguages).default('en'),
      ...exportScope,
      /** Number of the review that comes before it, whose scope it has; nothing else of the scope is given then. */
      reviewed: z.number().int().positive().optional(),
      /** Encryption by age; a passphrase is made by the console. */
      protection: protection.default({ kind: 'none' }),
    }),
    output: z.object({
      exportId: z.number().int(),
      jobId: z.string(),
      entry: z.number().int(),
      /** Told here and never again: nothing keeps it. Null unless one was asked for. */
      passphrase: z.string().nullable(),
    }),
  }),
  'exports.resume': operation({
    effect: 'reveal',
    permission: ['operator'],
    summary: 'goes on with an interrupted export of one’s own whose finished part lies on this computer',
    input: z.strictObject({
      exportId: z.number().int().positive(),
      /** Where the package goes; where it was to go before, when it isn't said. */
      folder: z.string().min(1).max(4_000).optional(),
      /** Chosen anew, as nothing keeps a passphrase; a new one is made. */
      protection: protection.default({ kind: 'none' }),
    }),
    output: z.object({
      exportId: z.number().int(),
      jobId: z.string(),
      entry: z.number().int(),
      passphrase: z.string().nullable(),
    }),
  }),
  'exports.list': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'lists the exports of a request',
    input: z.strictObject({ requestId: z.number().int().positive().optional() }),
    output: z.object({ exports: z.array(exportRow) }),
  }),
  'exports.abandon': operation({
    effect: 'write',
    permission: ['operator', 'approver', 'admin'],
    summary:
      'closes an export that was interrupted, and its access; another’s only as approver or administrator',
    input: z.strictObject({ exportId: z.number().int().positive() }),
    output: z.object({ entry: z.number().int() }),
  }),
  'exports.askRelease': operation({
    effect: 'write',
    permission: ['operator'],
    summary: 'asks another person to let one request’s export go in spite of named gaps of the map',
    input: z.strictObject({
      requestId: z.number().int().positive(),
      gaps: z.array(z.string().min(1).max(1_000)).min(1).max(200),
      reason: z.string().min(3).max(2_000),
    }),
    output: z.object({ releaseId: z.number().int(), entry: z.number().int() }),
  }),
  'exports.decideRelease': operation({
    effect: 'write',
    permission: ['approver', 'operator'],
    summary: 'approves or denies such a release; never one’s own',
    input: z.strictObject({
      releaseId: z.number().int().positive(),
      decision: z.enum(['approve', 'deny']),
      reason: z.string().min(3).max(2_000),
    }),
    output: z.object({ entry: z.number().int() }),
  }),
  'exports.releases': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'lists releases, and the gaps there are now',
    input: z.strictObject({ requestId: z.number().int().positive().optional() }),
    output: z.object({ gaps: z.array(z.string()), releases: z.array(release) }),
  }),
  'keys.list': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'lists the keys that sign packages, whose they are and which are retired',
    input: z.strictObject({}),
    output: z.object({ keys: z.array(signingKey) }),
  }),
  'keys.retire': operation({
    effect: 'write',
    permission: ['operator', 'approver'],
    summary: 'retires a key that signs packages for good; another person’s only as approver',
    input: z.strictObject({
      keyId: z.number().int().positive(),
      reason: z.string().trim().min(3).max(2_000),
    }),
    output: z.object({ entry: z.number().int() }),
  }),
  'packages.verify': operation({
    effect: 'local',
    permission: 'anyone',
    summary: 'checks a package, a zip or a folder, offline and names every fault',
    input: packageSource.extend({
      /** Whose signature is asked for: `SHA256:…`, or a file with the public key (`ssh-ed25519 …`). */
      signer: z.string().min(1).max(4_000).optional(),
    }),
    output: z.object({
      /** Whether nothing is wrong with it; says who made it only together with `signer`. */
      intact: z.boolean(),
      files: z.number().int(),
      bytes: z.number(),
      /** Lines of its collections. */
      records: z.number().int(),
      /** Of the file itself, or of a folder's tag manifest, as the trail has it. */
      sha256: z.string(),
      /** What the map didn’t cover when it was made, released by two people; empty as a rule. */
      gaps: z.array(z.string()),
      faults: z.array(fault),
      /** Fingerprint of the key that signed it; null when it is not signed or the signature doesn’t hold. */
      signer: z.string().nullable(),
      encrypted: z.boolean(),
      about: packageAbout,
    }),
  }),
  'packages.records': operation({
    effect: 'local',
    permission: 'anyone',
    summary: 'shows records of one collection of a package, offline, some at a time',
    input: packageSource.extend({
      collection: z.string().min(1).max(100),
      /** The first line, from 1. */
      from: z.number().int().positive().default(1),
      limit: z.number().int().positive().max(500).default(100),
    }),
    output: z.object({
      /** As their schema has them; where there is none, as the records do. */
      columns: z.array(z.object({ name: z.string(), title: z.string() })),
      records: z.array(z.object({ line: z.number().int(), values: z.record(z.string(), z.unknown()) })),
      /** Line of the next record; null when there is none. */
      next: z.number().int().nullable(),
    }),
  }),
  'packages.files': operation({
    effect: 'local',
    permission: 'anyone',
    summary: 'lists the objects of a package, offline, some at a time',
    input: packageSource.extend({
      from: z.number().int().positive().default(1),
      limit: z.number().int().positive().max(500).default(100),
    }),
    output: z.object({ files: z.array(packageFile), next: z.number().int().nullable() }),
  }),
  'packages.picture': operation({
    effect: 'local',
    permission: 'anyone',
    summary: 'shows one picture of a package: PNG, JPEG, GIF or WebP by its own first bytes, nothing else',
    input: packageSource.extend({ path: z.string().min(1).max(240) }),
    output: z.object({ type: z.enum(pictureTypes), base64: z.string() }),
  }),
} as const;
