import { ActionIcon } from '@mantine/core';
import { notifications, useNotifications } from '@mantine/notifications';
import { IconAlertTriangle, IconCheck, IconX } from '@tabler/icons-react';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { en } from '#shared/strings/en.ts';
import { useKeys } from '../components/keys.ts';
import styles from './app.module.css';

type Notice = ReturnType<typeof useNotifications>['notifications'][number];

/** What was done and what was not, in a place of its own at the foot of the rail: it covers nothing and moves nothing. */
export function Notices(): ReactNode {
  const { notifications: shown } = useNotifications();
  const list = useRef<HTMLElement>(null);
  const before = useRef<Element | null>(null);

  // What one member of staff was told is not for the next.
  useEffect(
    () => () => {
      notifications.clean();
    },
    [],
  );

  function leave(): void {
    if (before.current instanceof HTMLElement && before.current.isConnected) before.current.focus();
    else document.getElementById('main')?.focus();
  }

  useKeys({
    F8: () => {
      const newest = [...(list.current?.querySelectorAll('button') ?? [])].at(-1);
      if (newest === undefined) return;
      if (!list.current?.contains(document.activeElement)) before.current = document.activeElement;
      newest.focus();
    },
  });

  return (
    <section ref={list} className={styles['notices']} aria-label={en.frame.notices} aria-live="polite">
      {shown.map((notice) => (
        <OneNotice key={notice.id} notice={notice} onLeave={leave} />
      ))}
    </section>
  );
}

function OneNotice(props: { readonly notice: Notice; readonly onLeave: () => void }): ReactNode {
  const { id, title, message, autoClose } = props.notice;
  // Nobody loses what they are reading: the time runs only while neither pointer nor focus is on it.
  const [read, setRead] = useState(false);
  const failed = title !== undefined;

  useEffect(() => {
    if (read || typeof autoClose !== 'number') return;
    const timer = window.setTimeout(() => {
      if (id !== undefined) notifications.hide(id);
    }, autoClose);
    return () => {
      window.clearTimeout(timer);
    };
  }, [read, autoClose, id]);

  function dismiss(): void {
    if (id !== undefined) notifications.hide(id);
    props.onLeave();
  }

  return (
    <div
      className={`${styles['notice'] ?? ''} ${failed ? (styles['noticeFailed'] ?? '') : ''}`}
      {...(failed ? { role: 'alert' } : {})}
      onMouseEnter={() => {
        setRead(true);
      }}
      onMouseLeave={() => {
        setRead(false);
      }}
      onFocus={() => {
        setRead(true);
      }}
      onBlur={() => {
        setRead(false);
      }}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        event.preventDefault();
        dismiss();
      }}
    >
      {failed ? <IconAlertTriangle size={16} aria-hidden /> : <IconCheck size={16} aria-hidden />}
      <div className={styles['noticeText']}>
        {failed ? <strong>{title}</strong> : null}
        <span>{message}</span>
      </div>
      <ActionIcon variant="subtle" color="gray" size={24} aria-label={en.frame.dismiss} onClick={dismiss}>
        <IconX size={14} aria-hidden />
      </ActionIcon>
    </div>
  );
}
