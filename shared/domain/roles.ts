/** The roles a member of staff can hold; each is a group role `privacy_<role>` in the database. */
export const roles = ['viewer', 'operator', 'approver', 'auditor', 'admin'] as const;

export type Role = (typeof roles)[number];

/**
 * Who may call an operation: `anyone` before sign-in, `staff` once signed in,
 * or the holders of the roles named. The database checks the same again.
 */
export type Permission = 'anyone' | 'staff' | readonly Role[];

/** Whether a caller with these roles may use something that asks for `permission`; `null` means not signed in. */
export function permits(permission: Permission, held: readonly Role[] | null): boolean {
  if (permission === 'anyone') return true;
  if (held === null) return false;
  if (permission === 'staff') return true;
  return permission.some((role) => held.includes(role));
}
