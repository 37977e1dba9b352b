import { Button, Select } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { useSearchParams } from 'react-router';
import { en } from '#shared/strings/en.ts';
import { holdAccess } from '../../client/accesses.ts';
import { useRead, useWrite } from '../../client/queries.ts';
import { useRestrictionOf } from '../../client/restrictions.ts';
import { FailureNote, Page, Panel } from '../../components/Basics.tsx';
import { RestrictionNote } from '../../components/Restriction.tsx';
import { WhyPicker, whyInput, type Why } from '../../components/WhyPicker.tsx';
import { useKeys } from '../../components/keys.ts';
import styles from './person.module.css';

const minuteChoices = ['5', '15', '30', '60'] as const;

/** Asks why and for how long before anything of a person is shown. */
export function OpenAccess(props: { readonly subject: string; readonly wasOpen: boolean }): ReactNode {
  const { subject } = props;
  const [parameters] = useSearchParams();
  const named = Number(parameters.get('request') ?? '') || null;
  const [chosen, setChosen] = useState<Why | null>(null);
  const [minutes, setMinutes] = useState<string>('15');
  const requests = useRead('requests.list', { state: 'open' });
  const open = requests.data?.requests ?? [];
  const own = open.filter((request) => request.subject === subject);
  const why: Why = chosen ?? {
    by: 'request',
    requestId: named ?? own.find((request) => request.mine)?.id ?? own[0]?.id ?? null,
    reason: '',
  };
  const opening = useWrite('subjects.open', ({ access }, input) => {
    holdAccess(access, input.reason ?? null);
  });
  const given = whyInput(why);
  const restriction = useRestrictionOf(subject);

  function submit(): void {
    if (given !== null) opening.mutate({ subject, minutes: Number(minutes), ...given });
  }

  useKeys({ 'Ctrl+Enter': submit });
  return (
    <Page title={en.person.openTitle(subject)} scrolls>
      <Panel title={props.wasOpen ? en.person.closed : en.why.title}>
        <form
          className={styles['open']}
          onSubmit={(event) => {
            event.preventDefault();
            submit();
          }}
        >
          <p>{props.wasOpen ? en.person.closedText : en.person.openText}</p>
          <WhyPicker
            why={why}
            requests={own.length > 0 ? [...own, ...open.filter((one) => !own.includes(one))] : open}
            onChange={setChosen}
          />
          <Select
            label={en.person.minutes}
            w={160}
            allowDeselect={false}
            value={minutes}
            onChange={(value) => {
              setMinutes(value ?? '15');
            }}
            data={minuteChoices.map((value) => ({ value, label: en.person.minutesOption(Number(value)) }))}
          />
          <RestrictionNote
            restriction={restriction}
            requestId={why.by === 'request' ? why.requestId : null}
          />
          {opening.error ? <FailureNote failure={opening.error} /> : null}
          <Button type="submit" disabled={given === null} loading={opening.isPending}>
            {en.person.openAction}
          </Button>
        </form>
      </Panel>
    </Page>
  );
}
