import { ActionIcon, Button, Skeleton } from '@mantine/core';
import {
  IconAlertTriangle,
  IconCheck,
  IconCircle,
  IconCircleCheck,
  IconCircleX,
  IconClock,
  IconCopy,
  IconHourglass,
  IconInfoCircle,
  IconLock,
  IconPlayerPlay,
} from '@tabler/icons-react';
import { useEffect, useState, type ReactNode } from 'react';
import type { FailureCode } from '#shared/contract/result.ts';
import { en } from '#shared/strings/en.ts';
import { formatDate, formatTime, formatUtc, shorten, useZone } from './format.ts';
import styles from './basics.module.css';

function join(...names: readonly (string | false | undefined)[]): string {
  return names.filter(Boolean).join(' ');
}

/** A screen: its title, what it says about itself, what can be done, and its body. */
export function Page(props: {
  readonly title: string;
  readonly lead?: ReactNode;
  readonly actions?: ReactNode;
  /** Whether the whole page scrolls; otherwise its panels do. */
  readonly scrolls?: boolean;
  readonly children: ReactNode;
}): ReactNode {
  useEffect(() => {
    document.title = `${props.title} · ${en.product}`;
  }, [props.title]);
  return (
    <div className={join(styles['page'], props.scrolls && styles['scrolls'])}>
      <header className={styles['head']}>
        <div className={styles['headText']}>
          <h1 className={styles['title']}>{props.title}</h1>
          {props.lead === undefined ? null : <div className={styles['lead']}>{props.lead}</div>}
        </div>
        {props.actions === undefined ? null : <div className={styles['actions']}>{props.actions}</div>}
      </header>
      {props.children}
    </div>
  );
}

/** A framed part of a page; `flush` lets a table reach the frame. */
export function Panel(props: {
  readonly title?: ReactNode;
  readonly actions?: ReactNode;
  readonly flush?: boolean;
  readonly className?: string;
  readonly label?: string;
  readonly children: ReactNode;
}): ReactNode {
  const label = props.label ?? (typeof props.title === 'string' ? props.title : undefined);
  return (
    <section className={join(styles['panel'], props.className)} {...(label ? { 'aria-label': label } : {})}>
      {props.title === undefined ? null : (
        <header className={styles['panelHead']}>
          <h2 className={styles['panelTitle']}>{props.title}</h2>
          {props.actions}
        </header>
      )}
      <div className={join(styles['panelBody'], props.flush && styles['flush'])}>{props.children}</div>
    </section>
  );
}

/** What stands where there is nothing: what it means and what to do. */
export function Empty(props: {
  readonly title: string;
  readonly text?: string;
  readonly centre?: boolean;
  readonly action?: ReactNode;
}): ReactNode {
  return (
    <div
      className={join(
        styles['state'],
        props.centre ? styles['stateCentre'] : props.text === undefined && styles['stateLine'],
      )}
    >
      <p className={styles['stateTitle']}>{props.title}</p>
      {props.text === undefined ? null : <p className={styles['stateText']}>{props.text}</p>}
      {props.action === undefined ? null : <div className={styles['stateAction']}>{props.action}</div>}
    </div>
  );
}

/** A failure as the core tells it; a bug carries its incident number. */
export interface Shown {
  readonly code: FailureCode;
  readonly message: string;
  readonly incident?: string | undefined;
}

const refusals: ReadonlySet<FailureCode> = new Set([
  'refused',
  'not_permitted',
  'budget_spent',
  'access_closed',
  'conflict',
  'invalid_input',
  'cancelled',
]);

/** A failed or refused operation: a title, the core's sentence, the incident number, a way on. */
export function FailureNote(props: {
  readonly failure: Shown;
  readonly onRetry?: (() => void) | undefined;
}): ReactNode {
  const { failure } = props;
  const refused = refusals.has(failure.code);
  return (
    <div className={join(styles['failure'], refused && styles['refused'])} role="alert">
      {refused ? <IconLock size={18} aria-hidden /> : <IconAlertTriangle size={18} aria-hidden />}
      <p className={styles['failureTitle']}>{en.failure.title[failure.code]}</p>
      <p className={styles['failureText']}>{failure.message}</p>
      {failure.incident === undefined ? null : (
        <p className={styles['failureMeta']}>
          <strong className={styles['mono']}>{en.failure.incident(failure.incident)}</strong>{' '}
          {en.failure.incidentHint}
        </p>
      )}
      {props.onRetry === undefined ? null : (
        <Button className={styles['failureAction']} variant="default" onClick={props.onRetry}>
          {en.common.retry}
        </Button>
      )}
    </div>
  );
}

export type Tone = 'plain' | 'good' | 'warn' | 'bad' | 'info';

const toneIcons = {
  plain: IconCircle,
  good: IconCircleCheck,
  warn: IconHourglass,
  bad: IconCircleX,
  info: IconPlayerPlay,
} as const;

/** A state in colour, word and shape. */
export function Status(props: {
  readonly tone: Tone;
  readonly children: ReactNode;
  readonly title?: string;
}): ReactNode {
  const Icon = toneIcons[props.tone];
  return (
    <span
      className={join(styles['status'], props.tone !== 'plain' && styles[props.tone])}
      {...(props.title === undefined ? {} : { title: props.title })}
    >
      <Icon size={13} stroke={2.2} aria-hidden />
      {props.children}
    </span>
  );
}

/** A remark in a coloured frame. */
export function Note(props: { readonly tone?: Tone; readonly children: ReactNode }): ReactNode {
  const tone = props.tone ?? 'info';
  const Icon = tone === 'good' ? IconCheck : tone === 'info' ? IconInfoCircle : IconAlertTriangle;
  return (
    <div
      className={join(
        styles['note'],
        tone === 'warn' && styles['noteWarn'],
        tone === 'good' && styles['noteGood'],
        tone === 'bad' && styles['noteBad'],
      )}
    >
      <Icon size={18} aria-hidden />
      <div>{props.children}</div>
    </div>
  );
}

/** Who decides about a person's data, where that is somebody else than us. */
export function Controller(props: { readonly says: string | null }): ReactNode {
  return props.says === null ? null : <Note>{props.says}</Note>;
}

/** A time as people read it, UTC on hover. */
export function Moment(props: { readonly at: string }): ReactNode {
  const zone = useZone();
  return (
    <time dateTime={props.at} title={formatUtc(props.at)}>
      {formatTime(props.at, zone)}
    </time>
  );
}

/** A calendar day. */
export function Day(props: { readonly date: string }): ReactNode {
  return <time dateTime={props.date}>{formatDate(props.date)}</time>;
}

/** `3 days left`, in red and with another shape when late. */
export function DaysLeft(props: { readonly days: number }): ReactNode {
  const late = props.days < 0;
  const soon = !late && props.days <= 7;
  return (
    <span className={join(styles['clock'], late && styles['late'], soon && styles['soon'])}>
      {late ? <IconAlertTriangle size={14} aria-hidden /> : <IconClock size={14} aria-hidden />}
      {en.request.daysLeft(props.days)}
    </span>
  );
}

/** A reference, identifier or hash in fixed width, shortened if it is long, copied whole. */
export function Reference(props: {
  readonly text: string;
  readonly short?: boolean;
  readonly onCopy?: (text: string) => void;
}): ReactNode {
  const { onCopy } = props;
  return (
    <span className={styles['copyable']}>
      <span className={styles['mono']}>{props.short ? shorten(props.text) : props.text}</span>
      {onCopy === undefined ? null : (
        <ActionIcon
          variant="subtle"
          color="gray"
          size={24}
          aria-label={en.common.copyValue(shorten(props.text, 6, 4))}
          onClick={() => {
            onCopy(props.text);
          }}
        >
          <IconCopy size={14} aria-hidden />
        </ActionIcon>
      )}
    </span>
  );
}

/** Terms and what they are, in two columns. */
export function Facts(props: {
  readonly facts: readonly (readonly [term: string, value: ReactNode] | null)[];
}): ReactNode {
  return (
    <dl className={styles['facts']}>
      {props.facts.map((fact) =>
        fact === null ? null : (
          <FactPair key={fact[0]} term={fact[0]}>
            {fact[1]}
          </FactPair>
        ),
      )}
    </dl>
  );
}

function FactPair(props: { readonly term: string; readonly children: ReactNode }): ReactNode {
  return (
    <>
      <dt>{props.term}</dt>
      <dd>{props.children}</dd>
    </>
  );
}

/** Text in the weaker colour. */
export function Dim(props: { readonly children: ReactNode }): ReactNode {
  return <span className={styles['dim']}>{props.children}</span>;
}

/** A long hash that may break anywhere. */
export function Hash(props: { readonly text: string }): ReactNode {
  return <span className={styles['hash']}>{props.text}</span>;
}

const skeletonDelay = 200;

/** Bars where an answer will be; nothing at all for the first 200 ms, and never another height. */
export function Waiting(props: { readonly rows?: number }): ReactNode {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const timer = window.setTimeout(() => {
      setShown(true);
    }, skeletonDelay);
    return () => {
      window.clearTimeout(timer);
    };
  }, []);
  const rows = props.rows ?? 4;
  return (
    <div
      aria-busy="true"
      aria-label={en.common.loading}
      role="status"
      style={{ height: rows * 32, padding: '8px 16px' }}
    >
      {shown
        ? Array.from({ length: rows }, (_, index) => (
            <Skeleton
              key={index}
              height={12}
              mt={index === 0 ? 4 : 20}
              width={`${String(90 - ((index * 17) % 40))}%`}
            />
          ))
        : null}
    </div>
  );
}

/** A reading, as far as it has come. */
export interface Reading<Value> {
  readonly data: Value | undefined;
  readonly error: Shown | null;
  readonly refetch: () => unknown;
}

/** The three ends of a reading: waiting, failed (with a way to try again), or the answer. */
export function Loaded<Value>(props: {
  readonly read: Reading<Value>;
  readonly rows?: number;
  /** The title of the page that the answer will be; only where the answer brings the page with it. */
  readonly page?: string;
  readonly children: (value: Value) => ReactNode;
}): ReactNode {
  const { read, page } = props;
  if (read.data !== undefined) return props.children(read.data);
  const instead = read.error ? (
    <div style={page === undefined ? { padding: 16 } : {}}>
      <FailureNote failure={read.error} onRetry={() => void read.refetch()} />
    </div>
  ) : (
    <Waiting {...(props.rows === undefined ? {} : { rows: props.rows })} />
  );
  return page === undefined ? instead : <Page title={page}>{instead}</Page>;
}
