import type { BareClient } from './bareClient.ts';
import { effect, find, open, type Effect, type Someone } from './psql.ts';

/** A correction request of a person, with an access to them, as the operator's bare session has them. */
export interface Asked {
  readonly request: number;
  readonly access: number;
  readonly subject: string;
  /** Key of the account's row, as the console shows it. */
  readonly row: string;
}

export async function askCorrection(operator: BareClient, person: Someone): Promise<Asked> {
  const subject = await find(operator, person);
  const { request } = await effect(operator, `open_request('correction', current_date, 'It is wrong.', $1)`, [
    subject,
  ]);
  const access = await open(operator, subject);
  return { request: request as number, access, subject, row: JSON.stringify([person.id]).replace(',', ', ') };
}

/** A value of a correction as it is shown. */
export interface ShownValue {
  readonly column: string;
  readonly before: string | null;
  readonly after: string | null;
  readonly verdict: string;
}

export interface Shown {
  readonly id: number;
  readonly sha256: string;
  readonly values: readonly ShownValue[];
  readonly places: readonly {
    column: string;
    role: string;
    collection: string;
    inColumn: string;
    rows: number;
  }[];
}

/** Announces a correction; answers as the function does. */
export async function intend(
  operator: BareClient,
  { access, request, row }: Asked,
  values: Readonly<Record<string, string | null>>,
  collection = 'users',
): Promise<Effect> {
  return effect(operator, `intend_correction($1, $2, $3, $4, $5, 'they wrote so')`, [
    access,
    request,
    collection,
    row,
    JSON.stringify(values),
  ]);
}

/** Announces a correction and shows it. */
export async function propose(
  operator: BareClient,
  asked: Asked,
  values: Readonly<Record<string, string | null>>,
  collection = 'users',
): Promise<Shown> {
  const { correction } = await intend(operator, asked, values, collection);
  const { content } = await effect(operator, 'preview_correction($1)', [correction]);
  return { id: correction as number, ...(content as Omit<Shown, 'id'>) };
}

/** Gives the code of a recorded refusal, or null. */
export async function carryOut(operator: BareClient, id: number): Promise<string | null> {
  const said = await effect(operator, 'run_correction($1)', [id]);
  return said.ok ? null : (said.code ?? '');
}

export async function decideCorrection(
  client: BareClient,
  { id, sha256 }: Pick<Shown, 'id' | 'sha256'>,
  decision = 'approve',
): Promise<string | null> {
  const said = await effect(client, `decide_correction($1, $2, $3, 'as they wrote')`, [id, sha256, decision]);
  return said.ok ? null : (said.code ?? '');
}
