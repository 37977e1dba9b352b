import { Tabs } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { en } from '#shared/strings/en.ts';
import { useRead } from '../../client/queries.ts';
import { useSession } from '../../client/session.ts';
import { Facts, Hash, Loaded, Page, Panel } from '../../components/Basics.tsx';
import { DatabaseTab } from './DatabaseTab.tsx';
import { KeysTab } from './KeysTab.tsx';
import { MapTab } from './MapTab.tsx';
import { PreferencesTab } from './PreferencesTab.tsx';
import { ProfilesTab } from './ProfilesTab.tsx';
import { StaffTab } from './StaffTab.tsx';
import styles from './settings.module.css';

const tabs = ['map', 'staff', 'keys', 'profiles', 'database', 'preferences', 'about'] as const;
type Tab = (typeof tabs)[number];
const ofTheDatabase: ReadonlySet<Tab> = new Set(['map', 'staff', 'keys', 'database']);

const screens: Readonly<Record<Tab, () => ReactNode>> = {
  map: MapTab,
  staff: StaffTab,
  keys: KeysTab,
  profiles: ProfilesTab,
  database: DatabaseTab,
  preferences: PreferencesTab,
  about: AboutTab,
};

/** What is in force: the map, who works here, where the platform is, how this window looks. */
export function Settings(): ReactNode {
  const session = useSession();
  // A console that refuses to trust the trail reads nothing of the database; what is on this workstation it still shows.
  const open = tabs.filter((tab) => session.trailFault === null || !ofTheDatabase.has(tab));
  const [tab, setTab] = useState<Tab>(open[0] ?? 'about');
  return (
    <Page title={en.settings.title}>
      <Tabs
        value={tab}
        onChange={(value) => {
          setTab(open.find((one) => one === value) ?? 'about');
        }}
        keepMounted={false}
        style={{ display: 'flex', flexDirection: 'column', minHeight: 0, flex: 1 }}
      >
        <Tabs.List>
          {open.map((one) => (
            <Tabs.Tab key={one} value={one}>
              {en.settings.tabs[one]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {open.map((one) => {
          const Screen = screens[one];
          return (
            <Tabs.Panel key={one} value={one} className={styles['scroll'] ?? ''} tabIndex={0}>
              <Screen />
            </Tabs.Panel>
          );
        })}
      </Tabs>
    </Page>
  );
}

function AboutTab(): ReactNode {
  const session = useSession();
  const read = useRead('about.show', {});
  return (
    <Panel title={en.product}>
      <Loaded read={read} rows={6}>
        {(about) => (
          <Facts
            facts={[
              [en.settings.about.version, about.version],
              [en.settings.about.schema, String(about.schemaVersion)],
              [en.settings.about.node, about.node],
              [en.settings.about.shell, about.shell],
              [en.settings.about.workstation, about.workstation],
              [en.settings.about.profile, session.profile],
              [en.settings.about.login, `${session.login} (${session.person})`],
              [en.settings.about.roles, session.roles.map((role) => en.role[role]).join(', ')],
              [en.settings.about.database, en.frame.connectedTo(session.database, session.host)],
              [en.settings.database.mapHash, <Hash key="map" text={session.mapHash} />],
            ]}
          />
        )}
      </Loaded>
    </Panel>
  );
}
