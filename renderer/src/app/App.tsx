import { Button } from '@mantine/core';
import { useMemo, useState, type ReactNode } from 'react';
import { createHashRouter } from 'react-router';
import { RouterProvider } from 'react-router/dom';
import { en } from '#shared/strings/en.ts';
import { FailureNote, Waiting } from '../components/Basics.tsx';
import { useConsoleEvents } from '../client/events.ts';
import { useRead } from '../client/queries.ts';
import { PackageCheck } from '../features/packageCheck/PackageCheck.tsx';
import { LockScreen } from '../features/signIn/LockScreen.tsx';
import { SignIn } from '../features/signIn/SignIn.tsx';
import { routes } from './routes.tsx';
import styles from './app.module.css';

/** Chooses between sign-in, lock and the frame; nothing of the frame is in the document while locked. */
export function App(): ReactNode {
  useConsoleEvents();
  const current = useRead('session.current', {});
  const [checking, setChecking] = useState(false);
  if (current.error) {
    return (
      <main className={styles['alone']}>
        <FailureNote failure={current.error} onRetry={() => void current.refetch()} />
      </main>
    );
  }
  if (!current.data) return <Waiting />;
  const { session, locked } = current.data;
  if (locked) return <LockScreen session={session} />;
  if (!session && checking) {
    return (
      <main className={styles['whole']}>
        <PackageCheck
          signedIn={false}
          action={
            <Button
              variant="subtle"
              onClick={() => {
                setChecking(false);
              }}
            >
              {en.signIn.backToSignIn}
            </Button>
          }
        />
      </main>
    );
  }
  if (!session) {
    return (
      <SignIn
        onCheckPackage={() => {
          setChecking(true);
        }}
      />
    );
  }
  return <Desk key={`${session.profile} ${session.login}`} />;
}

function Desk(): ReactNode {
  const router = useMemo(() => createHashRouter([...routes]), []);
  return <RouterProvider router={router} />;
}
