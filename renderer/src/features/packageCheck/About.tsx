import type { ReactNode } from 'react';
import type { PackageAbout, PackageVerdict } from '#shared/contract/exports.ts';
import { exportProfiles } from '#shared/domain/exportProfiles.ts';
import { en } from '#shared/strings/en.ts';
import { useRead } from '../../client/queries.ts';
import { Facts, Hash, Moment, Panel } from '../../components/Basics.tsx';
import { CellText, DataTable, type DataColumn } from '../../components/DataTable.tsx';
import styles from './packageCheck.module.css';

const words = en.packageCheck;

/** What a package says of itself: who made it, when, for what, and what it leaves out. */
export function About(props: { readonly verdict: PackageVerdict; readonly signedIn: boolean }): ReactNode {
  const { verdict } = props;
  const { about } = verdict;
  return (
    <div className={styles['columns']}>
      <Panel title={words.tabs.about}>
        <Facts
          facts={[
            [words.facts.signature, signatureOf(verdict)],
            verdict.signer === null
              ? null
              : [
                  words.facts.key,
                  <Signer key="signer" fingerprint={verdict.signer} signedIn={props.signedIn} />,
                ],
            about.made === null ? null : [words.facts.made, <Made key="made" at={about.made} />],
            [words.facts.program, about.program ?? en.common.nothing],
            [words.facts.request, about.requestNumber ?? en.common.nothing],
            [
              words.facts.subject,
              [about.subjectKind, about.subjectReference].filter((each) => each !== null).join(', '),
            ],
            about.controller === null ? null : [words.facts.controller, about.controller],
            [words.facts.profile, profileOf(about)],
            about.range === null
              ? null
              : [words.facts.range, words.range(about.range.since, about.range.until)],
            about.showsOthers === null ? null : [words.facts.others, othersOf(about)],
            (about.keptBack ?? 0) === 0 ? null : [words.facts.keptBack, words.keptBack(about.keptBack ?? 0)],
            [words.facts.objects, words.objects(about.objects.inIt ?? 0, about.objects.missing ?? 0)],
            [words.facts.encrypted, verdict.encrypted ? words.encryptedYes : words.encryptedNo],
            verdict.volumes === null ? null : [words.volumeCount, String(verdict.volumes)],
            [words.facts.package, about.packageId ?? en.common.nothing],
            [words.facts.sha256, <Hash key="sha256" text={verdict.sha256} />],
          ]}
        />
      </Panel>
      <div className={styles['stack']}>
        <Panel title={words.collections} flush>
          {about.collections.length === 0 ? (
            <p className={styles['plain']}>{words.noCollections}</p>
          ) : (
            <DataTable
              label={words.collections}
              columns={collectionColumns}
              rows={about.collections}
              rowKey={({ name }) => name}
              grows
            />
          )}
        </Panel>
        <Panel title={words.leftOut} flush>
          {about.leftOut.length === 0 ? (
            <p className={styles['plain']}>{words.leftOutNone}</p>
          ) : (
            <DataTable
              label={words.leftOut}
              columns={leftOutColumns}
              rows={about.leftOut}
              rowKey={({ collection, column, because }) =>
                `${String(collection)} ${String(column)} ${because}`
              }
              grows
            />
          )}
        </Panel>
      </div>
    </div>
  );
}

const collectionColumns: readonly DataColumn<PackageAbout['collections'][number]>[] = [
  {
    id: 'name',
    title: words.collection,
    width: 'minmax(160px, 1fr)',
    cell: ({ name }) => <CellText>{name}</CellText>,
    sort: ({ name }) => name,
  },
  {
    id: 'rows',
    title: words.rows,
    width: '120px',
    end: true,
    cell: ({ rows }) => String(rows),
    sort: ({ rows }) => rows,
  },
];

const leftOutColumns: readonly DataColumn<PackageAbout['leftOut'][number]>[] = [
  {
    id: 'what',
    title: words.leftOutWhat,
    width: 'minmax(160px, 1fr)',
    cell: ({ collection, column }) => (
      <CellText>
        {[collection, column].filter((each) => each !== null).join('.') || words.leftOutObjects}
      </CellText>
    ),
  },
  {
    id: 'why',
    title: words.leftOutWhy,
    width: 'minmax(200px, 1.6fr)',
    cell: ({ because }) => <CellText>{because}</CellText>,
  },
];

function signatureOf({ signer, faults }: PackageVerdict): string {
  if (signer !== null) return words.facts.signed;
  return faults.some(({ kind }) => kind === 'signature') ? words.facts.broken : words.facts.unsigned;
}

function profileOf({ profile }: PackageAbout): string {
  const known = exportProfiles.find((each) => each === profile);
  return known === undefined ? (profile ?? en.common.nothing) : en.exportPage.profile[known];
}

function othersOf({ showsOthers, showsOthersBecause }: PackageAbout): string {
  if (showsOthers !== true) return words.othersMasked;
  return showsOthersBecause === null ? words.othersShown : `${words.othersShown}: ${showsOthersBecause}`;
}

/** A time where it is one; a package may say anything. */
function Made(props: { readonly at: string }): ReactNode {
  return Number.isNaN(Date.parse(props.at)) ? props.at : <Moment at={props.at} />;
}

/** The fingerprint, and whose it is where a registry can be asked. */
function Signer(props: { readonly fingerprint: string; readonly signedIn: boolean }): ReactNode {
  const registry = useRead('keys.list', {}, { enabled: props.signedIn });
  const key = registry.data?.keys.find(({ fingerprint }) => fingerprint === props.fingerprint);
  const says =
    registry.data === undefined ? words.compare : key === undefined ? words.unknown : words.known(key);
  return (
    <>
      <Hash text={props.fingerprint} /> ({says})
    </>
  );
}
