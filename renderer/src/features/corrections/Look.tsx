import { Button } from '@mantine/core';
import { useEffect, type ReactNode } from 'react';
import type { Correction } from '#shared/contract/corrections.ts';
import type { MappedCollection } from '#shared/contract/dataMap.ts';
import { en } from '#shared/strings/en.ts';
import { tell } from '../../client/notices.tsx';
import { useWrite } from '../../client/queries.ts';
import { usePasswordAgain } from '../../client/session.ts';
import { FailureNote, Waiting } from '../../components/Basics.tsx';
import { CorrectionContent } from '../../components/CorrectionContent.tsx';
import { Decision } from '../../components/Decision.tsx';
import formStyles from '../../components/form.module.css';

const words = en.correction;

/** A correction with its values, which are read on the record each time this opens; and what is to be done with it. */
export function Look(props: {
  readonly correction: Correction;
  readonly what: 'look' | 'carryOut' | 'decide';
  readonly collections: readonly MappedCollection[];
  readonly onDone: () => void;
}): ReactNode {
  const { correction, what, collections, onDone } = props;
  const { id } = correction;
  const look = useWrite('corrections.look');
  const { mutate } = look;
  useEffect(() => {
    mutate({ id });
  }, [mutate, id]);
  const password = usePasswordAgain();
  const decide = useWrite('corrections.decide', ({ entry }, { decision }) => {
    tell(decision === 'approve' ? words.approved(id) : words.denied(id), entry);
    onDone();
  });
  const run = useWrite('corrections.run', ({ copies, left, entry }) => {
    tell(correction.undoes === null ? words.doneTold(copies) : words.undoneTold(left), entry);
    onDone();
  });
  if (look.error)
    return (
      <FailureNote
        failure={look.error}
        onRetry={() => {
          mutate({ id });
        }}
      />
    );
  if (look.data === undefined) return <Waiting rows={6} />;
  const { content } = look.data;
  return (
    <div className={formStyles['form']}>
      <CorrectionContent collection={correction.collection} content={content} collections={collections} />
      {what === 'decide' ? (
        <Decision
          words={{ why: words.reason, hint: words.decideWhy, approve: words.approve, deny: words.deny }}
          password={password}
          failure={decide.error}
          sending={decide.isPending ? decide.variables.decision : null}
          onDecide={(decision, reason) => {
            decide.mutate({ id, sha256: content.sha256, decision, reason, ...password.sent });
          }}
        />
      ) : what === 'carryOut' ? (
        <>
          {run.error ? <FailureNote failure={run.error} /> : null}
          <div className={formStyles['buttons']}>
            <Button variant="default" onClick={onDone}>
              {en.common.cancel}
            </Button>
            <Button
              loading={run.isPending}
              onClick={() => {
                run.mutate({ id });
              }}
            >
              {words.carryOut}
            </Button>
          </div>
        </>
      ) : null}
    </div>
  );
}
