import type { Correction } from '#shared/contract/corrections.ts';
import type { ErasurePlan } from '#shared/contract/erasure.ts';
import type { ExportRow } from '#shared/contract/exports.ts';
import type { RequestRow } from '#shared/contract/requests.ts';
import { en } from '#shared/strings/en.ts';

export type StepState = 'done' | 'now' | 'later';

export interface RequestStep {
  readonly id: 'find' | 'act' | 'review' | 'close';
  readonly title: string;
  readonly text: string;
  readonly state: StepState;
}

/** How far a request is, from what exists for it: its person, its packages, its plans, its corrections. */
export function requestSteps(
  request: Pick<RequestRow, 'kind' | 'subject' | 'closedAt'>,
  packages: readonly Pick<ExportRow, 'state'>[],
  plans: readonly Pick<ErasurePlan, 'state'>[],
  corrections: readonly Pick<Correction, 'state' | 'undoes'>[],
): readonly RequestStep[] {
  const { kind } = request;
  const finished = {
    find: request.subject !== null,
    act:
      kind === 'deletion'
        ? plans.some((plan) => plan.state !== 'draft' && plan.state !== 'denied' && plan.state !== 'expired')
        : kind === 'correction'
          ? corrections.some(({ state }) => state === 'waiting' || state === 'ready' || state === 'done')
          : packages.some((one) => one.state === 'done'),
    review:
      kind === 'deletion'
        ? plans.some((plan) => plan.state === 'done')
        : kind === 'correction'
          ? corrections.some(({ state, undoes }) => state === 'done' && undoes === null)
          : packages.some((one) => one.state === 'done'),
    close: request.closedAt !== null,
  };
  const texts = {
    find: en.request.stepText.find,
    act: {
      access: en.request.stepText.actAccess,
      export: en.request.stepText.actExport,
      deletion: en.request.stepText.actDeletion,
      correction: en.request.stepText.actCorrection,
    }[kind],
    review:
      kind === 'deletion'
        ? en.request.stepText.reviewDeletion
        : kind === 'correction'
          ? en.request.stepText.reviewCorrection
          : en.request.stepText.reviewAccess,
    close: en.request.stepText.close,
  };
  const order = ['find', 'act', 'review', 'close'] as const;
  const closed = finished.close;
  const now = order.find((step) => !finished[step]);
  return order.map((id) => ({
    id,
    title: en.request.step[id],
    text: texts[id],
    state: finished[id] ? 'done' : id === now && !closed ? 'now' : 'later',
  }));
}
