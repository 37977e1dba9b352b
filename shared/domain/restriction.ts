/** Why processing is restricted: the four cases of GDPR Art. 18(1)(a) to (d), in their order. */
export const restrictionGrounds = [
  'accuracy_contested',
  'unlawful',
  'needed_for_claims',
  'objection',
] as const;
export type RestrictionGround = (typeof restrictionGrounds)[number];

/** What is allowed besides storage while processing is restricted: GDPR Art. 18(2). */
export const restrictionExceptions = ['consent', 'claims', 'rights_of_others', 'public_interest'] as const;
export type RestrictionException = (typeof restrictionExceptions)[number];
