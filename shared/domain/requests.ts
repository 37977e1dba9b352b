/** What a person can ask for; the four rights of the privacy policy, section 6. */
export const requestKinds = ['access', 'correction', 'deletion', 'export'] as const;
export type RequestKind = (typeof requestKinds)[number];

export const requestStates = ['open', 'in_progress', 'waiting_approval', 'closed'] as const;
export type RequestState = (typeof requestStates)[number];

/** Days the policy gives for an answer, counted from the day of receipt (section 5: "within 30 days"). */
export const daysToAnswer = 30;

/** Calendar date `days` after `date`; both `yyyy-mm-dd`. */
export function addDays(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}

/** Whole days from `today` to `due`; negative when late. Both `yyyy-mm-dd`. */
export function daysBetween(today: string, due: string): number {
  return Math.round((Date.parse(`${due}T00:00:00Z`) - Date.parse(`${today}T00:00:00Z`)) / 86_400_000);
}
