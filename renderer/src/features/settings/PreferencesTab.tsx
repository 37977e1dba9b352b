import { SegmentedControl, Select, useMantineColorScheme } from '@mantine/core';
import { useMemo, type ReactNode } from 'react';
import { en } from '#shared/strings/en.ts';
import { Facts, Panel } from '../../components/Basics.tsx';
import { defaultZone, formatTime, setZone, useZone } from '../../components/format.ts';
import styles from './settings.module.css';

const words = en.settings.preferences;

/** How this workstation shows things. */
export function PreferencesTab(): ReactNode {
  const zone = useZone();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const zones = useMemo(() => {
    const known = Intl.supportedValuesOf('timeZone');
    return [
      ...new Set([defaultZone, 'UTC', ...known.map((one) => (one === 'Asia/Calcutta' ? defaultZone : one))]),
    ];
  }, []);
  return (
    <Panel title={en.settings.tabs.preferences}>
      <div className={styles['form']} style={{ maxWidth: 360 }}>
        <Select
          label={words.zone}
          description={words.zoneHint}
          searchable
          allowDeselect={false}
          limit={50}
          data={zones}
          value={zone}
          onChange={(value) => {
            if (value !== null) setZone(value);
          }}
        />
        <Facts facts={[[words.example, formatTime(new Date().toISOString(), zone)]]} />
        <div>
          <p>{words.theme}</p>
          <SegmentedControl
            aria-label={words.theme}
            value={colorScheme}
            onChange={(value) => {
              setColorScheme(value === 'light' || value === 'dark' ? value : 'auto');
            }}
            data={[
              { value: 'auto', label: en.frame.themeSystem },
              { value: 'light', label: en.frame.themeLight },
              { value: 'dark', label: en.frame.themeDark },
            ]}
          />
        </div>
      </div>
    </Panel>
  );
}
