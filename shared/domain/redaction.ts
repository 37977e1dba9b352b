/**
 * On what ground something is kept out of a package. `others`: it would harm the rights and freedoms of others (GDPR
 * Art. 15(4), Art. 20(4)); `privilege`: legal professional privilege; `secrecy`: a trade secret or a duty of secrecy
 * (GDPR recital 63); `investigation`: telling it would prejudice an investigation or proceedings (GDPR Art. 23(1)(d), (f),
 * DPDP Act 2023 s. 17(1)(c)); `security`: it would weaken the security of systems or of the person’s account.
 */
export const redactionGrounds = ['others', 'privilege', 'secrecy', 'investigation', 'security'] as const;
export type RedactionGround = (typeof redactionGrounds)[number];
