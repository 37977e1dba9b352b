import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { sql } from '#core/database/sql.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { SomeHandlers } from '#core/kernel/dispatch.ts';
import type { RequestRow } from '#shared/contract/requests.ts';
import { requestKinds, requestStates } from '#shared/domain/requests.ts';

type Names =
  | 'requests.list'
  | 'requests.show'
  | 'requests.open'
  | 'requests.assign'
  | 'requests.link'
  | 'requests.close';

const requestShape = z.object({
  id: z.coerce.number(),
  kind: z.enum(requestKinds),
  state: z.enum(requestStates),
  subject: z.string().nullable(),
  subjectKind: z.string().nullable(),
  controller: z.string().nullable(),
  message: z.string().nullable(),
  receivedOn: z.string(),
  dueOn: z.string(),
  daysLeft: z.number(),
  assignee: z.string().nullable(),
  mine: z.boolean(),
  openedBy: z.string(),
  closedAt: z.string().nullable(),
  outcome: z.string().nullable(),
});

const receipt = z.object({ entry: z.number() });

export function requestOperations(desk: () => Desk): SomeHandlers<Names> {
  const list = async (
    state: string,
    subject: string | null,
    id: number | null,
    limit: number,
  ): Promise<RequestRow[]> => [
    ...(await desk().database.rows(
      sql`select id, kind, state, subject, message, received_on as "receivedOn", due_on as "dueOn", days_left as "daysLeft", assignee, mine,
            opened_by as "openedBy", to_json(closed_at) #>> '{}' as "closedAt", outcome, subject_kind as "subjectKind", controller
          from privacy_console.requests(${state}::text, ${subject}::text, ${id}::bigint, ${limit}::int)`,
      requestShape,
    )),
  ];
  const one = async (id: number): Promise<RequestRow> => {
    const [found] = await list('all', null, id, 1);
    if (found === undefined) throw new ExpectedError('not_found', `There is no request ${id}.`);
    return found;
  };
  return {
    'requests.list': async ({ state, subject, limit }) => ({
      requests: await list(state, subject ?? null, null, limit),
    }),
    'requests.show': async ({ id }) => ({ request: await one(id) }),
    'requests.open': async ({ kind, receivedOn, message, subject }, call) => {
      const made = await desk().database.effect(
        sql`select privacy_console.open_request(${kind}::text, ${receivedOn}::date, ${message.replaceAll('\0', '')}::text, ${subject ?? null}::text) as result`,
        z.object({ request: z.number(), entry: z.number() }),
        call.note,
      );
      return { request: await one(made.request), entry: made.entry };
    },
    'requests.assign': async ({ id, login }, call) => {
      const { entry } = await desk().database.effect(
        sql`select privacy_console.assign_request(${id}::bigint, ${login ?? null}::text) as result`,
        receipt,
        call.note,
      );
      return { request: await one(id), entry };
    },
    'requests.link': async ({ id, subject }, call) => {
      const { entry } = await desk().database.effect(
        sql`select privacy_console.link_request(${id}::bigint, ${subject}::text) as result`,
        receipt,
        call.note,
      );
      return { request: await one(id), entry };
    },
    'requests.close': async ({ id, outcome }, call) => {
      const { entry } = await desk().database.effect(
        sql`select privacy_console.close_request(${id}::bigint, ${outcome}::text) as result`,
        receipt,
        call.note,
      );
      return { request: await one(id), entry };
    },
  };
}
