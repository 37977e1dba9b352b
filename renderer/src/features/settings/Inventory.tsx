import { Button } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import type { InventoryEntry } from '#shared/contract/dataMap.ts';
import { en } from '#shared/strings/en.ts';
import { call, CallFailed } from '../../client/call.ts';
import { tell, tellFailure } from '../../client/notices.tsx';
import { useRead } from '../../client/queries.ts';
import { Dim, Facts, Loaded, Note, Panel } from '../../components/Basics.tsx';
import picture from './mapPicture.module.css';
import styles from './settings.module.css';

const words = en.settings.map.record;
const formats = ['csv', 'md', 'json'] as const;

/** The record of processing that the map in force comes to, to be read and saved. */
export function Inventory(): ReactNode {
  const read = useRead('map.inventory', {});
  return (
    <Panel title={words.title} actions={<SaveButtons />} flush>
      <Loaded read={read} rows={8}>
        {({ entries, record, notes }) => (
          <>
            <div style={{ padding: '8px 16px' }}>
              <Facts facts={record.map(({ what, says }) => [what, says ?? en.settings.map.notStated])} />
            </div>
            {notes.length === 0 ? null : (
              <div style={{ padding: '0 16px 8px' }}>
                <Note tone="warn">
                  <ul className={styles['notes']}>
                    {notes.map((note) => (
                      <li key={note}>{note}</li>
                    ))}
                  </ul>
                </Note>
              </div>
            )}
            <Activities entries={entries} />
          </>
        )}
      </Loaded>
    </Panel>
  );
}

function Activities(props: { readonly entries: readonly InventoryEntry[] }): ReactNode {
  const { columns } = words;
  return (
    <div className={picture['wide']} role="region" aria-label={words.activities} tabIndex={0}>
      <table className={`${picture['table'] ?? ''} ${picture['activities'] ?? ''}`}>
        <thead>
          <tr>
            {Object.values(columns).map((title) => (
              <th key={title} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {props.entries.map((entry) => (
            <tr key={entry.collection}>
              <th scope="row">{entry.activity}</th>
              <td>{stated(entry.purpose)}</td>
              <td>{entry.people}</td>
              <td>
                <Lines of={entry.categories} />
              </td>
              <td>
                <Lines of={entry.storage} />
              </td>
              <td>{stated(entry.retention)}</td>
              <td>
                {entry.recipients === null ? (
                  stated(null)
                ) : entry.recipients.length === 0 ? (
                  words.nobody
                ) : (
                  <Lines of={entry.recipients} />
                )}
              </td>
              <td>{entry.ground ?? entry.erasure}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function stated(text: string | null): ReactNode {
  return text ?? <Dim>{en.settings.map.notStated}</Dim>;
}

function Lines(props: { readonly of: readonly string[] }): ReactNode {
  return (
    <ul>
      {props.of.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
}

function SaveButtons(): ReactNode {
  const [saving, setSaving] = useState<string | null>(null);

  async function save(format: (typeof formats)[number]): Promise<void> {
    setSaving(format);
    try {
      const { file } = await call('dialogs.chooseFile', {
        purpose: 'save',
        suggested: words.filename(format),
      });
      if (file !== null) tell(words.saved((await call('map.saveInventory', { format, file })).file));
    } catch (error) {
      if (error instanceof CallFailed) tellFailure(error);
    } finally {
      setSaving(null);
    }
  }

  return (
    <div className={styles['buttons']}>
      {formats.map((format) => (
        <Button
          key={format}
          size="compact-sm"
          variant="default"
          loading={saving === format}
          onClick={() => void save(format)}
        >
          {words.save[format]}
        </Button>
      ))}
    </div>
  );
}
