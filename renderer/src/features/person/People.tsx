import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { en } from '#shared/strings/en.ts';
import { useAccesses } from '../../client/accesses.ts';
import { paths } from '../../paths.ts';
import { useNow } from '../../components/clock.ts';
import { Dim, Empty, Page, Panel, Reference } from '../../components/Basics.tsx';
import { formatCountdown } from '../../components/format.ts';
import styles from './person.module.css';

/** The people this window has open, and for how long yet. */
export function People(): ReactNode {
  const now = useNow();
  const open = [...useAccesses().values()].filter(({ access }) => Date.parse(access.expiresAt) > now);
  return (
    <Page title={en.person.listTitle} scrolls>
      <Panel flush label={en.person.listTitle}>
        {open.length === 0 ? (
          <Empty
            centre
            title={en.person.listEmpty}
            text={en.person.listEmptyHint}
            action={
              <Button component={Link} to={paths.search}>
                {en.frame.places.search}
              </Button>
            }
          />
        ) : (
          open.map(({ access, reason }) => (
            <div key={access.subject} className={styles['item']}>
              <Link to={paths.person(access.subject, access.requestId)}>
                <Reference text={access.subject} />
              </Link>
              <Dim>
                {access.requestId === null
                  ? `${en.why.without}: ${reason ?? ''}`
                  : en.common.request(access.requestId)}
              </Dim>
              <span>{en.person.accessOpen(formatCountdown(Date.parse(access.expiresAt) - now))}</span>
            </div>
          ))
        )}
      </Panel>
    </Page>
  );
}
