import { z } from 'zod';
import { roles } from '../domain/roles.ts';
import { profileName } from './connections.ts';
import { operation, passwordAgain } from './operation.ts';

const staffMember = z.object({
  login: z.string(),
  person: z.string(),
  roles: z.array(z.enum(roles)),
  active: z.boolean(),
  addedAt: z.string(),
});
export type StaffMember = z.infer<typeof staffMember>;

const staffChange = z.object({
  id: z.number().int(),
  login: z.string(),
  person: z.string(),
  /** All the login is to hold. */
  roles: z.array(z.enum(roles)),
  proposedBy: z.string(),
  proposedAt: z.string(),
  state: z.enum(['asked', 'approved', 'denied', 'superseded', 'expired']),
  decidedBy: z.string().nullable(),
  decidedAt: z.string().nullable(),
});
export type StaffChange = z.infer<typeof staffChange>;

const finding = z.object({ what: z.string(), detail: z.string(), blocks: z.boolean() });
export type Finding = z.infer<typeof finding>;

const index = z.object({
  name: z.string(),
  table: z.string(),
  purpose: z.string(),
  statement: z.string(),
  state: z.enum(['present', 'missing', 'invalid']),
});

/** Installing and looking after the console’s schema. They take a profile, because before an install nobody can sign in. */
export const administration = {
  'database.status': operation({
    effect: 'local',
    permission: 'anyone',
    summary: 'tells version, map hash, drift, and what staff can reach outside the guard',
    input: z.strictObject({ profile: profileName }),
    output: z.object({
      installed: z.boolean(),
      version: z.number().int().nullable(),
      programVersion: z.number().int(),
      mapHash: z.string().nullable(),
      programMapHash: z.string(),
      server: z.string(),
      findings: z.array(finding),
    }),
  }),
  'database.script': operation({
    effect: 'local',
    permission: 'anyone',
    summary: 'shows the SQL an install runs and the rights it needs',
    input: z.strictObject({ profile: profileName, map: z.string().optional() }),
    output: z.object({
      script: z.string(),
      rights: z.array(z.string()),
      /** Of the script, what is compiled from the map: the functions of the reader and of the writer. */
      functions: z.string(),
    }),
  }),
  'database.install': operation({
    effect: 'write',
    permission: 'anyone',
    summary: 'installs or upgrades the console’s schema',
    input: z.strictObject({
      profile: profileName,
      map: z.string().optional(),
      person: z.string().max(100).optional(),
    }),
    output: z.object({ version: z.number().int(), applied: z.array(z.string()), mapHash: z.string() }),
  }),
  'database.uninstall': operation({
    effect: 'local',
    permission: 'anyone',
    summary: 'removes the schema once the trail has been exported and verified',
    input: z.strictObject({ profile: profileName, trail: z.string() }),
    output: z.object({
      head: z.object({ number: z.number().int(), chain: z.string() }),
      remaining: z.array(z.string()),
    }),
  }),
  'database.indexes': operation({
    effect: 'local',
    permission: 'anyone',
    summary: 'lists the indexes search and paging profit from, or builds them',
    input: z.strictObject({ profile: profileName, apply: z.boolean() }),
    output: z.object({ indexes: z.array(index) }),
  }),
  'staff.list': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'lists staff, their logins and roles',
    input: z.strictObject({}),
    output: z.object({ staff: z.array(staffMember) }),
  }),
  'staff.add': operation({
    effect: 'write',
    permission: ['admin'],
    summary: 'adds a login for a member of staff, or changes its roles',
    input: z.strictObject({
      login: z.string().regex(/^[a-z_][a-z0-9_]{0,62}$/),
      person: z.string().trim().min(1).max(100),
      roles: z.array(z.enum(roles)).min(1),
      password: z.string().min(12).max(1_000).optional(),
    }),
    output: z.object({
      entry: z.number().int(),
      /** The change that waits for another person, where the login is to get a role that decides; else null. */
      change: z.number().int().nullable(),
    }),
  }),
  'staff.changes': operation({
    effect: 'read',
    permission: 'staff',
    summary: 'lists who was to get a role that decides, and who else agreed',
    input: z.strictObject({}),
    output: z.object({ changes: z.array(staffChange) }),
  }),
  'staff.decide': operation({
    effect: 'write',
    permission: ['admin', 'approver'],
    summary: 'approves or denies such a role; never one’s own proposal',
    input: z.strictObject({
      change: z.number().int().positive(),
      decision: z.enum(['approve', 'deny']),
      password: passwordAgain,
    }),
    output: z.object({ entry: z.number().int() }),
  }),
  'staff.remove': operation({
    effect: 'write',
    permission: ['admin'],
    summary: 'takes all rights from a login and ends its sessions',
    input: z.strictObject({ login: z.string().min(1).max(63) }),
    output: z.object({ entry: z.number().int() }),
  }),
} as const;
