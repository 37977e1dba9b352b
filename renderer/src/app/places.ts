import {
  IconAddressBook,
  IconChecklist,
  IconGavel,
  IconInbox,
  IconLayoutDashboard,
  IconListDetails,
  IconPackageExport,
  IconSearch,
  IconSettings,
  IconTrash,
} from '@tabler/icons-react';
import type { Session } from '#shared/contract/connections.ts';
import { permits, type Permission } from '#shared/domain/roles.ts';
import type { en } from '#shared/strings/en.ts';
import { paths } from '../paths.ts';

/** A place of the rail. */
export interface Place {
  readonly id: keyof typeof en.frame.places;
  readonly path: string;
  readonly icon: typeof IconInbox;
  readonly permission: Permission;
}

/** The rail. Signing in is its eleventh place: the way there is the button at its foot. */
export const places: readonly Place[] = [
  { id: 'desk', path: paths.desk, icon: IconLayoutDashboard, permission: 'staff' },
  { id: 'requests', path: paths.requests, icon: IconInbox, permission: 'staff' },
  { id: 'search', path: paths.search, icon: IconSearch, permission: ['viewer', 'operator'] },
  { id: 'person', path: paths.people, icon: IconAddressBook, permission: ['viewer', 'operator'] },
  { id: 'export', path: paths.exports, icon: IconPackageExport, permission: 'staff' },
  { id: 'deletion', path: paths.deletions, icon: IconTrash, permission: 'staff' },
  { id: 'approvals', path: paths.approvals, icon: IconChecklist, permission: 'staff' },
  { id: 'holds', path: paths.holds, icon: IconGavel, permission: 'staff' },
  { id: 'trail', path: paths.trail, icon: IconListDetails, permission: 'staff' },
  { id: 'settings', path: paths.settings, icon: IconSettings, permission: 'staff' },
];

/** Whether a place is open to who is signed in; with a trail that contradicts, only those that work without it. */
export function mayGo(place: Place, session: Session): boolean {
  const opens = session.trailFault === null || place.id === 'trail' || place.id === 'settings';
  return opens && permits(place.permission, session.roles);
}
