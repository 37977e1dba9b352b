import { Button, TextInput } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { Link } from 'react-router';
import { en } from '#shared/strings/en.ts';
import { useWrite } from '../../client/queries.ts';
import { useMay } from '../../client/session.ts';
import { Empty, FailureNote, Moment, Panel } from '../../components/Basics.tsx';
import { paths } from '../../paths.ts';
import styles from './deletion.module.css';

const words = en.deletion.seek;

/** For somebody who was erased and asks about it: the address they had leads to the certificate and their story. */
export function SeekErased(): ReactNode {
  const may = useMay(['approver', 'auditor']);
  const seek = useWrite('erasure.seekErased');
  const [text, setText] = useState('');
  if (!may) return null;
  return (
    <Panel title={words.title}>
      <form
        className={styles['form']}
        onSubmit={(event) => {
          event.preventDefault();
          seek.mutate({ text });
        }}
      >
        <TextInput
          label={words.label}
          description={words.hint}
          value={text}
          onChange={(event) => {
            setText(event.currentTarget.value);
            seek.reset();
          }}
          autoComplete="off"
          maxLength={320}
          maw={440}
        />
        <div className={styles['buttons']}>
          <Button type="submit" variant="default" loading={seek.isPending} disabled={text.trim().length < 5}>
            {words.submit}
          </Button>
        </div>
      </form>
      <div role="status" className={styles['told']}>
        {seek.error ? <FailureNote failure={seek.error} /> : null}
        {seek.data === undefined ? null : seek.data.found.length === 0 ? (
          <Empty title={words.none} />
        ) : (
          <ul className={styles['remaining']}>
            {seek.data.found.map((each) => (
              <li key={each.planId}>
                {words.found(each.subject, each.requestId, each.receivedOn)}
                {each.erasedAt === null ? null : (
                  <>
                    , <Moment at={each.erasedAt} />
                  </>
                )}
                {': '}
                <Link to={paths.plan(each.planId)}>{words.certificate}</Link>
                {', '}
                <Link to={paths.trailOf({ subject: each.subject })}>{words.story}</Link>
              </li>
            ))}
          </ul>
        )}
      </div>
    </Panel>
  );
}
