import { Button, Modal, Textarea } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import type { SigningKey } from '#shared/contract/exports.ts';
import { en } from '#shared/strings/en.ts';
import { copy, tell } from '../../client/notices.tsx';
import { useRead, useWrite } from '../../client/queries.ts';
import { useMay } from '../../client/session.ts';
import {
  Empty,
  FailureNote,
  Facts,
  Loaded,
  Moment,
  Panel,
  Reference,
  Status,
} from '../../components/Basics.tsx';
import { CellText, DataTable, type DataColumn } from '../../components/DataTable.tsx';
import styles from './settings.module.css';

const words = en.settings.keys;

/** Which keys sign packages, whose they are, and which are retired. */
export function KeysTab(): ReactNode {
  const read = useRead('keys.list', {}, { every: 10_000 });
  const [shown, setShown] = useState<number | null>(null);
  const key = read.data?.keys.find(({ id }) => id === shown);
  return (
    <Panel title={en.settings.tabs.keys} flush>
      <Loaded read={read} rows={6}>
        {({ keys }) =>
          keys.length === 0 ? (
            <Empty title={words.empty} text={words.emptyHint} />
          ) : (
            <DataTable
              label={en.settings.tabs.keys}
              columns={[...columns, showColumn(setShown)]}
              rows={keys}
              rowKey={({ id }) => String(id)}
              rowHeight={40}
              grows
            />
          )
        }
      </Loaded>
      <Modal
        opened={key !== undefined}
        onClose={() => {
          setShown(null);
        }}
        title={key === undefined ? '' : words.title(key)}
        size={720}
        closeButtonProps={{ 'aria-label': en.common.close }}
      >
        {key === undefined ? null : (
          <OneKey
            signingKey={key}
            onRetired={() => {
              setShown(null);
            }}
          />
        )}
      </Modal>
    </Panel>
  );
}

const columns: readonly DataColumn<SigningKey>[] = [
  {
    id: 'person',
    title: words.person,
    width: 'minmax(160px, 1fr)',
    cell: (key) => <CellText>{key.person}</CellText>,
    sort: (key) => key.person,
  },
  {
    id: 'fingerprint',
    title: words.fingerprint,
    width: 'minmax(200px, 1.6fr)',
    cell: (key) => <CellText>{key.fingerprint}</CellText>,
  },
  {
    id: 'workstation',
    title: words.workstation,
    width: 'minmax(120px, 1fr)',
    cell: (key) => <CellText>{key.workstation}</CellText>,
    sort: (key) => key.workstation,
  },
  {
    id: 'registered',
    title: words.registered,
    width: 'minmax(176px, 1fr)',
    cell: (key) => <Moment at={key.registeredAt} />,
    sort: (key) => key.registeredAt,
  },
  {
    id: 'packages',
    title: words.packages,
    width: '96px',
    cell: (key) => <CellText>{String(key.packages)}</CellText>,
    sort: (key) => key.packages,
  },
  {
    id: 'state',
    title: words.stateTitle,
    width: '104px',
    cell: (key) => (
      <Status tone={key.retiredAt === null ? 'good' : 'plain'}>
        {key.retiredAt === null ? words.inUse : words.retired}
      </Status>
    ),
    sort: (key) => String(key.retiredAt),
  },
];

function showColumn(onShow: (id: number) => void): DataColumn<SigningKey> {
  return {
    id: 'change',
    title: words.changes,
    width: '96px',
    cell: (key) => (
      <Button
        size="compact-xs"
        variant="default"
        aria-label={`${words.show}: ${words.title(key)}`}
        onClick={() => {
          onShow(key.id);
        }}
      >
        {words.show}
      </Button>
    ),
  };
}

function OneKey(props: { readonly signingKey: SigningKey; readonly onRetired: () => void }): ReactNode {
  const { signingKey: key } = props;
  const approver = useMay(['approver']);
  const operator = useMay(['operator']);
  const mayRetire = key.retiredAt === null && (approver || (operator && key.mine));
  return (
    <div className={styles['form']}>
      <p>{words.hint}</p>
      <Facts
        facts={[
          [words.person, words.owner(key)],
          [words.fingerprint, <Reference key="fingerprint" text={key.fingerprint} onCopy={copy} />],
          [words.registered, <Moment key="registered" at={key.registeredAt} />],
          [words.workstation, key.workstation],
          [words.packages, String(key.packages)],
          [words.stateTitle, key.retiredAt === null ? words.inUse : words.state(key)],
        ]}
      />
      <PublicKey title={words.pem} text={key.pem} />
      <PublicKey title={words.allowedSigner} text={key.allowedSigner} />
      {mayRetire ? <Retire keyId={key.id} onDone={props.onRetired} /> : null}
    </div>
  );
}

function PublicKey(props: { readonly title: string; readonly text: string }): ReactNode {
  return (
    <Textarea
      label={props.title}
      value={props.text.trimEnd()}
      readOnly
      autosize
      spellCheck={false}
      classNames={{ input: styles['mono'] ?? '' }}
      inputContainer={(input) => (
        <div className={styles['beside']}>
          {input}
          <Button
            variant="default"
            aria-label={`${en.common.copy}: ${props.title}`}
            onClick={() => {
              copy(props.text);
            }}
          >
            {en.common.copy}
          </Button>
        </div>
      )}
    />
  );
}

function Retire(props: { readonly keyId: number; readonly onDone: () => void }): ReactNode {
  const [reason, setReason] = useState('');
  const retire = useWrite('keys.retire', ({ entry }) => {
    tell(words.gone, entry);
    props.onDone();
  });
  return (
    <form
      className={styles['form']}
      onSubmit={(event) => {
        event.preventDefault();
        retire.mutate({ keyId: props.keyId, reason });
      }}
    >
      <Textarea
        label={words.retire}
        description={words.retireText}
        placeholder={words.retireReason}
        maxLength={2_000}
        autosize
        required
        value={reason}
        onChange={(event) => {
          setReason(event.currentTarget.value);
        }}
      />
      {retire.error ? <FailureNote failure={retire.error} /> : null}
      <div className={styles['end']}>
        <Button
          type="submit"
          variant="default"
          disabled={reason.trim().length < 3}
          loading={retire.isPending}
        >
          {words.retireNow}
        </Button>
      </div>
    </form>
  );
}
