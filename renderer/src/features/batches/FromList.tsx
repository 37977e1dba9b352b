import { Button, Select, Textarea, TextInput } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { useNavigate } from 'react-router';
import { en } from '#shared/strings/en.ts';
import { call, CallFailed } from '../../client/call.ts';
import { tell, tellFailure } from '../../client/notices.tsx';
import { useRead, useWrite } from '../../client/queries.ts';
import { FailureNote, Panel } from '../../components/Basics.tsx';
import { isReason, Reason } from '../../components/Reason.tsx';
import { paths } from '../../paths.ts';
import styles from './batches.module.css';

const words = en.batches.from;
const forms = ['email', 'phone', 'id'] as const;

/** Where a batch begins from a list of identifiers: a file, or what is pasted; each matched exactly, and the list kept nowhere. */
export function FromList(): ReactNode {
  const navigate = useNavigate();
  const map = useRead('map.show', {});
  const [form, setForm] = useState<(typeof forms)[number]>('email');
  const [kind, setKind] = useState<string | null>(null);
  const [column, setColumn] = useState('');
  const [file, setFile] = useState<string | null>(null);
  const [text, setText] = useState('');
  const [reason, setReason] = useState('');
  const begin = useWrite('batches.begin', ({ batch, entry }) => {
    tell(en.batches.one(batch.id), entry);
    void navigate(paths.batch(batch.id));
  });
  const kinds = map.data?.subjects ?? [];
  const given = file !== null || text.trim() !== '';
  const ready = given && isReason(reason);
  async function choose(): Promise<void> {
    try {
      const chosen = (await call('dialogs.chooseFile', { purpose: 'open' })).file;
      if (chosen === null) return;
      setFile(chosen);
      setText('');
    } catch (error) {
      if (error instanceof CallFailed) tellFailure(error);
    }
  }
  return (
    <Panel title={words.title}>
      <form
        className={styles['form']}
        onSubmit={(event) => {
          event.preventDefault();
          if (!ready) return;
          begin.mutate({
            reason: reason.trim(),
            from: {
              source: 'csv',
              form,
              ...(kind === null ? {} : { kind }),
              ...(column.trim() === '' ? {} : { column: column.trim() }),
              ...(file === null ? { text } : { file }),
            },
          });
        }}
      >
        <p>{words.text}</p>
        <div className={styles['fields']}>
          <Select
            label={words.form}
            data={forms.map((value) => ({ value, label: words.forms[value] }))}
            value={form}
            allowDeselect={false}
            onChange={(value) => {
              setForm(forms.find((each) => each === value) ?? 'email');
            }}
          />
          {kinds.length < 2 ? null : (
            <Select
              label={words.kind}
              data={kinds.map(({ kind: value, title }) => ({ value, label: title }))}
              value={kind ?? kinds[0]?.kind ?? null}
              allowDeselect={false}
              onChange={setKind}
            />
          )}
          <TextInput
            label={words.column}
            description={words.columnHint}
            inputWrapperOrder={['label', 'input', 'description', 'error']}
            value={column}
            maxLength={200}
            autoComplete="off"
            onChange={(event) => {
              setColumn(event.currentTarget.value);
            }}
          />
        </div>
        <div className={styles['buttons']}>
          <Button variant="default" onClick={() => void choose()}>
            {words.file}
          </Button>
          {file === null ? <span>{words.fileOr}</span> : <span className={styles['place']}>{file}</span>}
        </div>
        {file === null ? (
          <Textarea
            label={words.list}
            autosize
            minRows={3}
            maxRows={8}
            maxLength={1_000_000}
            spellCheck={false}
            value={text}
            onChange={(event) => {
              setText(event.currentTarget.value);
            }}
          />
        ) : null}
        <Reason label={words.why} hint={words.whyHint} value={reason} onChange={setReason} />
        {begin.error ? <FailureNote failure={begin.error} /> : null}
        <div className={styles['buttons']}>
          <Button
            type="submit"
            variant={ready ? 'filled' : 'default'}
            disabled={!ready}
            loading={begin.isPending}
          >
            {words.match}
          </Button>
        </div>
      </form>
    </Panel>
  );
}
