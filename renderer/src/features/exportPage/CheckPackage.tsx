import { Button, Modal, PasswordInput } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { en } from '#shared/strings/en.ts';
import { call, CallFailed } from '../../client/call.ts';
import { tellFailure } from '../../client/notices.tsx';
import { useWrite } from '../../client/queries.ts';
import { FailureNote, Note } from '../../components/Basics.tsx';
import { formatBytes } from '../../components/format.ts';
import styles from './exportPage.module.css';

/** Checks a package that lies on this machine or a stick; needs no database. */
export function CheckPackage(): ReactNode {
  const [file, setFile] = useState<string | null>(null);
  const [passphrase, setPassphrase] = useState('');
  const verify = useWrite('packages.verify');
  const encrypted = file?.endsWith('.age') === true;

  async function choose(what: 'file' | 'folder'): Promise<void> {
    try {
      const chosen =
        what === 'file'
          ? (await call('dialogs.chooseFile', { purpose: 'open' })).file
          : (await call('dialogs.chooseFolder', {})).folder;
      if (chosen === null) return;
      setFile(chosen);
      setPassphrase('');
      verify.reset();
      // An encrypted one waits for what opens it.
      if (!chosen.endsWith('.age')) verify.mutate({ file: chosen });
    } catch (error) {
      if (error instanceof CallFailed) tellFailure(error);
    }
  }

  return (
    <>
      <Button variant="default" title={en.exportPage.verifyHint} onClick={() => void choose('file')}>
        {en.exportPage.verify}
      </Button>
      <Button variant="default" title={en.exportPage.verifyHint} onClick={() => void choose('folder')}>
        {en.exportPage.verifyFolder}
      </Button>
      <Modal
        opened={file !== null}
        onClose={() => {
          setFile(null);
        }}
        title={en.exportPage.verify}
        size={560}
        closeButtonProps={{ 'aria-label': en.common.close }}
      >
        <div className={styles['form']}>
          <p className={styles['folder']}>{file}</p>
          {encrypted && verify.data === undefined ? (
            <form
              className={styles['form']}
              onSubmit={(event) => {
                event.preventDefault();
                if (file !== null && passphrase !== '' && !verify.isPending)
                  verify.mutate({ file, passphrase: passphrase.trim() });
              }}
            >
              <PasswordInput
                label={en.exportPage.verifyPassphrase}
                description={en.exportPage.verifyPassphraseHint}
                autoComplete="off"
                data-autofocus
                value={passphrase}
                onChange={(event) => {
                  setPassphrase(event.currentTarget.value);
                }}
              />
              <div>
                <Button type="submit" disabled={passphrase === ''} loading={verify.isPending}>
                  {en.exportPage.verifyOpen}
                </Button>
              </div>
            </form>
          ) : null}
          {verify.isPending ? <p role="status">{en.common.loading}…</p> : null}
          {verify.error ? <FailureNote failure={verify.error} /> : null}
          {verify.data?.intact ? (
            <Note tone="good">
              {en.exportPage.verifyOk(verify.data.files, formatBytes(verify.data.bytes))}{' '}
              {verify.data.signer === null
                ? en.exportPage.verifyUnsigned
                : en.exportPage.verifySigned(verify.data.signer)}
            </Note>
          ) : null}
          {verify.data && verify.data.gaps.length > 0 ? (
            <Note tone="warn">
              <strong>{en.exportPage.verifyGaps}</strong>
              <ul className={styles['faults']}>
                {verify.data.gaps.map((gap) => (
                  <li key={gap}>{gap}</li>
                ))}
              </ul>
            </Note>
          ) : null}
          {verify.data && !verify.data.intact ? (
            <Note tone="bad">
              <strong>{en.exportPage.verifyBad(verify.data.faults.length)}</strong>
              <ul className={styles['faults']}>
                {verify.data.faults.map((fault) => (
                  <li key={`${fault.path} ${fault.fault}`}>
                    {fault.path}: {fault.fault}
                  </li>
                ))}
              </ul>
            </Note>
          ) : null}
        </div>
      </Modal>
    </>
  );
}
