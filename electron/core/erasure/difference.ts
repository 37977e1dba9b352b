import type { ErasurePlan, PlanDecision, PlanDifference } from '#shared/contract/erasure.ts';

/** What a plan counts or decides otherwise than an earlier one of the same person. */
export function differenceOf(before: ErasurePlan, after: ErasurePlan): PlanDifference {
  const places = new Map([...before.lines, ...after.lines].map((line) => [placeOf(line), line]));
  const rows = (plan: ErasurePlan, place: string): number =>
    plan.lines.find((line) => placeOf(line) === place)?.rows ?? 0;
  const questions = new Map(
    [...before.decisions, ...after.decisions].map((each) => [`${each.key} ${each.about}`, each]),
  );
  return {
    plan: before.id,
    plannedAt: before.plannedAt,
    sameMap: before.mapHash === after.mapHash,
    lines: [...places]
      .map(([place, { title, action }]) => ({
        title,
        action,
        before: rows(before, place),
        after: rows(after, place),
      }))
      .filter((line) => line.before !== line.after),
    objects: { before: before.objects.count, after: after.objects.count },
    decisions: [...questions.values()]
      .map((asked) => ({
        about: asked.about,
        before: chosenIn(before, asked),
        after: chosenIn(after, asked),
      }))
      .filter((each) => each.before !== each.after),
  };
}

function placeOf({ collection, action }: ErasurePlan['lines'][number]): string {
  return `${collection}.${action}`;
}

function chosenIn(plan: ErasurePlan, { key, about }: PlanDecision): string | null {
  const asked = plan.decisions.find((each) => each.key === key && each.about === about);
  return asked?.options.find((option) => option.value === asked.chosen)?.title ?? null;
}
